"""Every action that can stand in the audit log, and what it means. A test holds the source to this list."""

from __future__ import annotations

from typing import Final

ACTIONS: Final[dict[str, str]] = {
    "naru.start": "A process of Naru started.",
    "naru.stop": "A process of Naru stopped in order.",
    "config.reload": "naru.toml was taken up or refused; the facts name the changed fields, never a value.",
    "session.sign_in": "Somebody signed in at the console with the admin key, or tried to.",
    "session.sign_out": "Somebody signed out.",
    "api.sign_in": "A wrong key was sent to the control plane.",
    "ledger.export": "Rows of the ledger were exported.",
    "audit.export": "The audit log was exported.",
    "audit.verify": "The audit log was verified through the API or the console; the facts hold the result.",
    "audit.key_change": "Checkpoints are signed with another key from here on.",
}


def describe(action: str) -> str:
    """What an action means, "" for one this version does not know."""
    return ACTIONS.get(action, "")
