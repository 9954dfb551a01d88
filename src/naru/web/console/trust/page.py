"""Policies: every one that the reader may see, by unit, and what naru.toml says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, get_args

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from naru.identity import Unit, UnitKind, decide
from naru.kernel.errors import NaruError
from naru.settings.model import TrustRules
from naru.trust.policy import GUARD_KINDS, Rules
from naru.web.access import may, read_context, read_principal, requires
from naru.web.console.frame import render
from naru.web.console.sign_in.page import read_form
from naru.web.console.trust.forms import DONE, strictest_types
from naru.web.unit_scopes import read_kind, resolve_leftover

router = APIRouter(prefix="/policies")

_KINDS: Final[tuple[UnitKind, ...]] = get_args(UnitKind)
_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class Said:
    """What one policy says, as a line of chips."""

    types: list[tuple[str, str]]
    guard: list[tuple[str, str]]
    consent: bool | None
    restores: int
    """Hosts and tools that values are restored for."""


@router.get("", name="policies_page", dependencies=[requires("policies.read")])
async def show_policies(request: Request, done: str = "") -> Response:
    """Every policy the reader may see, by unit, and what naru.toml says."""
    return await _show_list(request, done=done)


@router.post("", name="policies_remove", dependencies=[requires("policies.write")])
async def remove_leftover(request: Request) -> Response:
    """Take away what is left of a unit that was deleted."""
    form = await read_form(request)
    context, principal = read_context(request), read_principal(request)

    def write() -> None:
        kind, id = read_kind(form.get("kind", "")), form.get("id", "")
        find_org = context.policies.find_org
        scope = resolve_leftover(context, principal, kind, id, "policies.write", find_org=find_org)
        context.policies.delete_policy(scope.kind, scope.id, org_id=scope.org, actor=principal.actor)

    try:
        await run_in_threadpool(write)
    except NaruError as error:
        return await _show_list(request, error=error)
    return await _show_list(request, done="removed")


async def _show_list(request: Request, *, done: str = "", error: NaruError | None = None) -> Response:
    context, principal = read_context(request), read_principal(request)

    def read() -> dict[str, Any]:
        units = {
            kind: [
                unit
                for unit in context.units.list_units(principal, kind, limit=_SHOWN)
                if decide(principal, "policies.read", unit.org_id)
            ]
            for kind in _KINDS
        }
        orgs = {unit.id for unit in units["org"]}
        stored = {
            policy.value: policy for policy in context.policies.list_policies() if policy.org_id in orgs
        }
        words: dict[str, int] = {}
        for kind in ("dictionary", "pattern"):
            for own in context.policies.list_words(kind, orgs):
                words[own.scope_value] = words.get(own.scope_value, 0) + 1
        known = {unit.id for listed in units.values() for unit in listed}
        return {
            "orgs": _sorted(units["org"]),
            "inside": _by_parent([*units["team"], *units["project"]]),
            "said_by": {id: summarise(policy.rules) for id, policy in stored.items()},
            "words": words,
            "leftovers": [policy for id, policy in sorted(stored.items()) if id not in known],
        }

    values = await run_in_threadpool(read)
    settings = context.policies.settings
    return render(
        request,
        "trust/list.html",
        area="policies",
        status_code=200 if error is None else error.status,
        values={
            **values,
            "settings": settings,
            "base": summarise(_rules_of(settings)),
            "fixed": [
                (
                    "route" if one.route is not None else "site",
                    one.route or one.site,
                    summarise(_rules_of(one)),
                )
                for one in settings.policies
            ],
            "providers": context.providers(),
            "may_write": may(request, "policies.write"),
            "done": done if done in DONE else "",
            "error": error,
        },
    )


def summarise(rules: Rules) -> Said:
    """A policy in the order in which it is told: the strictest first."""
    return Said(
        types=[(type, action) for type, action in strictest_types(rules)],
        guard=[(kind, rules.guard[kind]) for kind in GUARD_KINDS if kind in rules.guard],
        consent=rules.capture_consent,
        restores=len(rules.restore_hosts or ()) + len(rules.restore_tools or ()),
    )


def _rules_of(table: TrustRules) -> Rules:
    return Rules(
        actions=dict(table.actions),
        guard=dict(table.guard),
        fakes=table.fakes,
        restore_hosts=table.restore_hosts,
        restore_tools=table.restore_tools,
        capture_consent=table.capture_consent,
    )


def _by_parent(units: list[Unit]) -> dict[str, list[Unit]]:
    inside: dict[str, list[Unit]] = {}
    for unit in _sorted(units):
        inside.setdefault(unit.parent_id or "", []).append(unit)
    return inside


def _sorted(units: list[Unit]) -> list[Unit]:
    return sorted(units, key=lambda unit: unit.path)
