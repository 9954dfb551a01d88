"""One unit's policy: what holds for it line by line, its form, and the words of its own.

The page shows no value: terms stay behind `/api`, with a permission and an entry in the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from naru.identity import PersonPrincipal, decide
from naru.kernel.errors import BadRequest, NaruError, NotFound
from naru.trust.entity import CUSTOM
from naru.trust.explain import explain
from naru.trust.policy import ACTIONS, ANY, GUARD_ACTIONS, GUARD_KINDS, Rules, Scoped
from naru.trust.store import StoredPolicy, WordKind, Words
from naru.trust.term_file import read_terms
from naru.web.access import read_context, read_principal, requires
from naru.web.console.frame import render
from naru.web.console.sign_in.page import read_form
from naru.web.console.trust.forms import DONE, LISTS, list_groups, read_rules, read_undo, write_undo
from naru.web.context import ControlContext
from naru.web.unit_scopes import UnitScope, read_kind, resolve_unit

router = APIRouter(prefix="/policies")

_MAX_FORM_BYTES: Final = 256 * 1024
"""Terms that are pasted; a file goes to the API, which takes more."""


@dataclass(frozen=True, slots=True)
class Own:
    """A dictionary or a pattern, without what it holds."""

    words: Words
    is_here: bool
    """Of this very unit; else of its organisation."""
    expression: str | None = None


@router.get("/{kind}/{id}", name="policy_page", dependencies=[requires("policies.read")])
async def show_policy(
    request: Request,
    kind: str,
    id: str,
    route: Annotated[str, Query(max_length=256)] = "",
    site: Annotated[str, Query(max_length=64)] = "",
    done: str = "",
) -> Response:
    """What holds for one unit, line by line, and its form."""
    return await _show_unit(request, kind, id, route=route, site=site, done=done)


@router.post("/{kind}/{id}", name="policy_change", dependencies=[requires("policies.write")])
async def change_policy(request: Request, kind: str, id: str) -> Response:
    """Set, remove or bring back a policy; write or forget own words. The answer is the page, with the way
    back in it."""
    form = await read_form(request, max_bytes=_MAX_FORM_BYTES)
    context, principal = read_context(request), read_principal(request)

    def write() -> tuple[str, str | None]:
        scope = resolve_unit(context, principal, read_kind(kind), id, "policies.write")
        if form.get("act") in ("dictionary", "pattern", "forget"):
            return _change_words(context, scope, form, principal.actor), None
        return _change_rules(context, scope, form, principal.actor)

    try:
        done, undo = await run_in_threadpool(write)
    except NotFound:
        raise
    except NaruError as error:
        return await _show_unit(request, kind, id, error=error, filled=form)
    return await _show_unit(request, kind, id, done=done, undo=undo)


def _change_rules(
    context: ControlContext, scope: UnitScope, form: Mapping[str, str], actor: str
) -> tuple[str, str | None]:
    policies = context.policies
    known = _find_rules(context, scope)
    act = form.get("act", "")
    if act == "set":
        wanted: Rules | None = read_rules(form, known or Rules())
    elif act == "undo":
        wanted = read_undo(form.get("rules", ""))
    elif act == "remove":
        wanted = None
    else:
        raise BadRequest("The form does not say what to do. Load the page again.")
    if wanted is None or wanted == Rules():
        policies.delete_policy(scope.kind, scope.id, org_id=scope.org, actor=actor)
        wanted = None
    else:
        policies.set_policy(scope.kind, scope.id, wanted, org_id=scope.org, actor=actor)
    if act == "undo":
        return "undone", None
    done = "set" if wanted is not None else "removed"
    return done, None if wanted == known else write_undo(known)


def _change_words(context: ControlContext, scope: UnitScope, form: Mapping[str, str], actor: str) -> str:
    policies, name, act = context.policies, form.get("name", "").strip(), form.get("act")
    if scope.kind == "project":
        raise BadRequest("Words belong to an organisation or a team.")
    if act == "forget":
        kind: WordKind = "pattern" if form.get("word_kind") == "pattern" else "dictionary"
        policies.delete_words(kind, scope.kind, scope.id, name, actor=actor)
        return "forgotten"
    if act == "pattern":
        expression = form.get("expression", "").strip()
        policies.set_pattern(scope.kind, scope.id, name, expression, org_id=scope.org, actor=actor)
    else:
        terms = read_terms(form.get("terms", "").encode())
        policies.set_dictionary(scope.kind, scope.id, name, terms, org_id=scope.org, actor=actor)
    return "words"


async def _show_unit(
    request: Request,
    kind: str,
    id: str,
    *,
    route: str = "",
    site: str = "",
    done: str = "",
    undo: str | None = None,
    error: NaruError | None = None,
    filled: Mapping[str, str] | None = None,
) -> Response:
    context, principal = read_context(request), read_principal(request)
    settings = context.policies.settings
    filled = filled or {}

    def read() -> dict[str, Any]:
        scope = resolve_unit(context, principal, read_kind(kind), id, "policies.read")
        unit = context.units.read(principal, scope.kind, scope.id)
        stored = _find_policy(context, scope)
        rules = Rules() if stored is None else stored.rules
        if filled.get("act") == "set":
            rules = _draft(filled, rules)
        is_inside = site in settings.inside_sites
        chain = (scope.org, scope.team, scope.project, route or None, site or None)
        above = Scoped(scope.kind, scope.id, Rules())
        policies = context.policies
        words = _list_own(context, principal, scope)
        return {
            "unit": unit,
            "policy": stored,
            "rules": rules,
            "holds": explain(policies.read_table(), *chain, is_inside=is_inside),
            "otherwise": explain(policies.read_table(above), *chain, is_inside=is_inside),
            "is_inside": is_inside,
            "paths": context.units.read_paths(),
            "words": words,
            "groups": list_groups((CUSTOM + own.words.name for own in words), rules),
            "may_write": decide(principal, "policies.write", scope.org),
            "may_try": decide(principal, "policies.try", scope.org),
            "may_reveal": decide(principal, "values.reveal", scope.org),
        }

    values = await run_in_threadpool(read)
    models = [model.id for model in context.models()]
    sites = {provider.site for provider in context.providers()} | {
        p.site for p in settings.policies if p.site
    }
    return render(
        request,
        "trust/unit.html",
        area="policies",
        status_code=200 if error is None else error.status,
        values={
            **values,
            "routes": [*models, *([route] if route and route not in models else [])],
            "sites": sorted({*sites, *([site] if site else [])}),
            "route": route,
            "site": site,
            "actions": ACTIONS,
            "guard_kinds": GUARD_KINDS,
            "guard_actions": GUARD_ACTIONS,
            "lists": LISTS,
            "any": ANY,
            "is_enabled": settings.is_enabled,
            "undo": undo,
            "done": done if done in DONE else "",
            "error": error,
            "filled": filled,
        },
    )


def _draft(filled: Mapping[str, str], known: Rules) -> Rules:
    try:
        return read_rules(filled, known)
    except BadRequest:
        return known


def _find_policy(context: ControlContext, scope: UnitScope) -> StoredPolicy | None:
    try:
        return context.policies.read_policy(scope.kind, scope.id)
    except NotFound:
        return None


def _find_rules(context: ControlContext, scope: UnitScope) -> Rules | None:
    found = _find_policy(context, scope)
    return None if found is None else found.rules


def _list_own(context: ControlContext, principal: PersonPrincipal, scope: UnitScope) -> list[Own]:
    """Words that are looked for in this unit's calls: its own first."""
    kinds: tuple[WordKind, ...] = ("dictionary", "pattern")
    scopes = {("org", scope.org), ("team", scope.team)}
    may_see = decide(principal, "policies.write", scope.org)
    found = []
    for kind in kinds:
        for words in context.policies.list_words(kind, [scope.org]):
            if (words.scope_kind, words.scope_value) not in scopes:
                continue
            expression = None
            if kind == "pattern" and may_see:
                expression = _read_expression(context, words)
            is_here = (words.scope_kind, words.scope_value) == (scope.kind, scope.id)
            found.append(Own(words, is_here, expression))
    return sorted(found, key=lambda own: (not own.is_here, own.words.kind, own.words.name))


def _read_expression(context: ControlContext, words: Words) -> str | None:
    try:
        return context.policies.read_expression(words.scope_kind, words.scope_value, words.name)
    except NaruError:  # forgotten a moment ago, or sealed with another key: its line stays
        return None
