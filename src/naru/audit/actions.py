"""Every action that can stand in the audit log, and what it means. A test holds the source to this list."""

from __future__ import annotations

from typing import Final

ACTIONS: Final[dict[str, str]] = {
    "naru.start": "A process of Naru started.",
    "naru.stop": "A process of Naru stopped in order.",
    "config.reload": "naru.toml was taken up or refused; the facts name the changed fields, never a value.",
    "access.deny": "Somebody who is signed in asked for what their roles do not allow.",
    "user.sign_in": "Somebody signed in, or failed to; also with the admin key.",
    "user.sign_out": "Somebody signed out.",
    "user.lock_out": "An account or an address must wait after failed sign-ins.",
    "user.confirm": "Somebody confirmed who they are again before a sensitive act.",
    "user.create": "An account was made.",
    "user.link": "An account was linked to an identity provider.",
    "user.update": "An account was changed; the facts name the fields.",
    "user.role_change": "Roles of an account were given or taken away.",
    "user.disable": "An account was switched off.",
    "user.enable": "An account was switched on.",
    "user.delete": "An account was deleted; its entries stay.",
    "user.password_change": "Somebody chose another password.",
    "user.password_reset": "An administrator set a one-time password.",
    "user.totp_enable": "A second factor was added.",
    "user.totp_remove": "A second factor was removed.",
    "user.recovery_codes": "New recovery codes were made.",
    "user.sessions_end": "Every session of an account was ended.",
    "org.create": "An organisation was made.",
    "org.update": "An organisation was changed.",
    "org.disable": "An organisation was switched off.",
    "org.enable": "An organisation was switched on.",
    "org.delete": "An organisation was deleted.",
    "team.create": "A team was made.",
    "team.update": "A team was changed.",
    "team.disable": "A team was switched off.",
    "team.enable": "A team was switched on.",
    "team.delete": "A team was deleted.",
    "project.create": "A project was made.",
    "project.update": "A project was changed.",
    "project.disable": "A project was switched off.",
    "project.enable": "A project was switched on.",
    "project.delete": "A project was deleted.",
    "key.create": "A key was made.",
    "key.update": "A key was changed; the facts name the fields.",
    "key.rotate": "A key got a new secret; the old one lives on for the overlap.",
    "key.disable": "A key was switched off.",
    "key.enable": "A key was switched on.",
    "key.revoke": "A key was revoked for good.",
    "limit.set": "A limit was set or changed.",
    "limit.delete": "A limit was removed.",
    "rate.set": "An exchange rate was set for a day.",
    "budget.create": "A budget was made.",
    "budget.update": "A budget was changed.",
    "budget.delete": "A budget was removed.",
    "budget.top_up": "A budget was raised for its current period.",
    "budget.warn": "Spending reached a budget's warning.",
    "budget.stop": "Spending reached a budget's stop: calls are refused.",
    "budget.recover": "Reserved money of a process that ended was booked or given back.",
    "ledger.export": "Rows of the ledger were exported.",
    "audit.export": "The audit log was exported.",
    "audit.verify": "The audit log was verified through the API or the console; the facts hold the result.",
    "audit.key_change": "Checkpoints are signed with another key from here on.",
}


def describe(action: str) -> str:
    """What an action means, "" for one this version does not know."""
    return ACTIONS.get(action, "")
