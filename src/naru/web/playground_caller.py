"""As whom the playground calls: the unit that its page chose, whose policies, budgets and books then hold."""

from __future__ import annotations

import msgspec
from starlette.concurrency import run_in_threadpool

from naru.identity import Principal, Unit, UnitKind, decide, forbidden
from naru.identity.people import PersonPrincipal
from naru.kernel.errors import Forbidden, NotFound
from naru.web.access import find_playground_principal, find_session
from naru.web.context import ControlContext
from naru.web.session import Scope, read_header

UNIT_HEADER = b"x-naru-console-unit"
_KINDS: dict[str, UnitKind] = {"org": "org", "team": "team", "proj": "project"}


async def find_caller(scope: Scope, context: ControlContext) -> Principal | None:
    """Who a call of the playground counts as; None when nobody is signed in.

    Raises:
        NotFound: the unit it names is not there for this person.
        Forbidden: they may not use the playground there, or it is switched off.
    """
    principal = find_playground_principal(scope, context)
    ref = read_header(scope, UNIT_HEADER)
    if principal is None or not ref:
        return principal
    person = find_session(scope, context)
    if person is None:
        return None
    return await run_in_threadpool(for_unit, context, person, ref, principal)


def for_unit(context: ControlContext, person: PersonPrincipal, ref: str, base: Principal) -> Principal:
    """`base` inside a unit, by its id. Blocks on the database. Raises as `find_caller`."""
    kind = _KINDS.get(ref.partition("_")[0])
    if kind is None:
        raise NotFound("There is no such organisation, team or project.", code="unit_not_found")
    unit = context.units.read(person, kind, ref)
    if not decide(person, "playground.use", unit.org_id):
        raise forbidden("playground.use")
    if not unit.is_active:
        raise Forbidden("It is switched off, so nothing can be asked as it.", code="unit_disabled")
    return msgspec.structs.replace(
        base,
        org=unit.org_id,
        team=unit.id if kind == "team" else unit.parent_id if kind == "project" else None,
        project=unit.id if kind == "project" else None,
    )


def list_choices(context: ControlContext, person: PersonPrincipal) -> list[Unit]:
    """Units as which a person may use the playground, by path. Blocks on the database."""
    found = [unit for kind in _KINDS.values() for unit in context.units.list_units(person, kind, limit=200)]
    allowed = [unit for unit in found if unit.is_active and decide(person, "playground.use", unit.org_id)]
    return sorted(allowed, key=lambda unit: unit.path)
