"""`/api/policies`: what becomes of personal data in the calls of an organisation, a team or a project."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self, cast

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel as Out
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from naru.identity import PersonPrincipal, UnitKind, find_orgs
from naru.kernel.errors import BadRequest, NaruError
from naru.trust import DetectionFailed
from naru.trust.about import ABOUT
from naru.trust.entity import CUSTOM, ENTITY_TYPES
from naru.trust.explain import Explained, Line, explain
from naru.trust.mask import Rules as MaskRules
from naru.trust.policy import (
    ACTIONS,
    GUARD_ACTIONS,
    GUARD_KINDS,
    Action,
    GuardAction,
    GuardKind,
    Rules,
    Scoped,
)
from naru.trust.preview import Preview, preview
from naru.trust.store import StoredPolicy
from naru.web.access import read_context, read_principal, requires
from naru.web.api.units import In
from naru.web.context import ControlContext
from naru.web.unit_scopes import UnitScope, resolve_leftover, resolve_unit
from naru.web.window import time_from_ns

router = APIRouter(prefix="/api", tags=["trust"])

Kind = Annotated[Literal["org", "team", "project"], Path(description="Whose policy.")]
Ref = Annotated[str, Path(max_length=200, description="Its id, or its name where no other has it.")]
_Names = Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=500)]
_MAX_TEXT = 200_000
_RULES: dict[str, Any] = {
    "actions": {"KR_RRN": "block", "PERSON": "mask", "CUSTOM:customers": "mask"},
    "guard": {"injection": "flag"},
    "restore_hosts": ["crm.example.com"],
}


class PolicyIn(In):
    """What a policy says; what is left out or null it says nothing on. Nearest wins: project, team,
    organisation, `naru.toml`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_RULES]})

    actions: Annotated[dict[Annotated[str, Field(max_length=80)], Action], Field(max_length=500)] = Field(
        {},
        description="By type of personal data, `CUSTOM:<name>`, or `*` for every type (which ends what was "
        "said further away): `allow`, `mask`, `keep_inside`, `block`.",
    )
    guard: dict[GuardKind, GuardAction] = Field(
        {}, description="By kind of verdict: `off`, `log`, `flag`, `block`, `review`."
    )
    fakes: _Names | None = Field(None, description="Types that get a value that looks real.")
    restore_hosts: _Names | None = Field(
        None, description="Hosts inside whose URLs values are restored: `crm.example.com`, `*.example.com`."
    )
    restore_tools: _Names | None = Field(
        None, description="Tools that the provider runs itself and whose arguments are restored all the same."
    )
    capture_consent: bool | None = Field(None, description="Whether rated answers may be exported.")

    def to_rules(self) -> Rules:
        """As trust takes them."""

        def listed(given: list[str] | None) -> tuple[str, ...] | None:
            return None if given is None else tuple(given)

        return Rules(
            actions=self.actions,
            guard=self.guard,
            fakes=listed(self.fakes),
            restore_hosts=listed(self.restore_hosts),
            restore_tools=listed(self.restore_tools),
            capture_consent=self.capture_consent,
        )


class RulesOut(Out):
    """What a policy says; null and missing keys: nothing."""

    actions: dict[str, Action]
    guard: dict[GuardKind, GuardAction]
    fakes: list[str] | None
    restore_hosts: list[str] | None
    restore_tools: list[str] | None
    capture_consent: bool | None


class PolicyOut(Out):
    """A policy, and whose it is."""

    kind: UnitKind
    id: str
    path: str = Field(description="Names from the organisation down.")
    org: str
    rules: RulesOut
    updated_by: str
    updated_at: datetime

    @classmethod
    def of(cls, policy: StoredPolicy, paths: Mapping[str, str]) -> Self:
        return cls(
            kind=cast("UnitKind", policy.kind),
            id=policy.value,
            path=paths.get(policy.value, policy.value),
            org=policy.org_id,
            rules=RulesOut(**msgspec.to_builtins(policy.rules)),
            updated_by=policy.updated_by,
            updated_at=time_from_ns(policy.updated_at_ns),
        )


class PolicyList(Out):
    policies: list[PolicyOut]


class _Said(Out):
    source: str = Field(
        description="Who says so: `default`, `naru.toml`, `inside` (the target is one of our own sites), "
        "`org:…`, `team:…`, `project:…`, `route:…` or `site:…`."
    )
    source_name: str = Field(description="The same by path.")


class ActionLine(_Said):
    type: str
    action: Action


class GuardLine(_Said):
    kind: GuardKind
    action: GuardAction


class NamesLine(_Said):
    value: list[str]


class FlagLine(_Said):
    value: bool


class EffectiveOut(Out):
    """What holds for the calls of one unit, and where each line comes from."""

    kind: UnitKind
    id: str
    path: str
    route: str | None
    site: str | None
    inside: bool = Field(
        description="Whether the site is one of our own, where nothing is masked by default."
    )
    enabled: bool = Field(description="False: `trust.enabled` is off, and nothing is looked for at all.")
    actions: list[ActionLine] = Field(description="Every type there is; `*` stands for all others.")
    guard: list[GuardLine]
    fakes: NamesLine
    restore_hosts: NamesLine
    restore_tools: NamesLine
    capture_consent: FlagLine


class TypeOut(Out):
    """One type of personal data."""

    type: str
    about: str


class TypesOut(Out):
    """What policies can be made of."""

    types: list[TypeOut]
    actions: list[Action] = Field(description="From the most lenient to the strictest.")
    guard_kinds: list[GuardKind]
    guard_actions: list[GuardAction]


class TryIn(In):
    """A text, and as whose call to take it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "김민수 님 번호는 010-2345-6789입니다.", "kind": "team", "id": "team_default"}
            ]
        },
    )

    text: str = Field(max_length=_MAX_TEXT)
    kind: UnitKind | None = Field(None, description="With `id`; null: what holds where nobody says anything.")
    id: str | None = Field(None, max_length=200)
    route: str | None = Field(None, max_length=256, description="The model that would be asked for.")
    site: str | None = Field(None, max_length=64, description="Where it would go; null: outside.")
    rules: PolicyIn | None = Field(None, description="A draft, in the place of what `id` says by itself.")


class FoundOut(Out):
    """One place in the text; offsets in code points, half open."""

    type: str
    start: int
    end: int
    score: float = Field(description="0 to 1: how sure.")
    reason: str
    action: Action


class TryOut(Out):
    """What would become of the text. Nothing of it is kept or logged."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "action": "mask",
                    "masked": "<PERSON_1> 님 번호는 <PHONE_1>입니다.",
                    "enabled": True,
                    "entities": [
                        {
                            "type": "PERSON",
                            "start": 0,
                            "end": 3,
                            "score": 0.9,
                            "reason": "title after it",
                            "action": "mask",
                        }
                    ],
                }
            ]
        }
    )

    action: Action = Field(
        description="The strictest of what was found: `allow` (it leaves as it is), `mask`, `keep_inside` "
        "(it goes to our own sites alone), `block` (it goes nowhere)."
    )
    masked: str = Field(description="As it would leave. Types that are kept inside are not masked in it.")
    entities: list[FoundOut] = Field(description="By place.")
    enabled: bool = Field(description="False: `trust.enabled` is off, so calls are not looked through.")


@router.get("/trust/types", summary="Types, actions and kinds", dependencies=[requires("policies.read")])
async def list_types() -> TypesOut:
    """What a policy can name. Besides there is `CUSTOM:<name>` of each dictionary and pattern, and `*`."""
    return TypesOut(
        types=[TypeOut(type=type, about=ABOUT[type]) for type in ENTITY_TYPES],
        actions=list(ACTIONS),
        guard_kinds=list(GUARD_KINDS),
        guard_actions=list(GUARD_ACTIONS),
    )


@router.get("/policies", summary="Policies", dependencies=[requires("policies.read")])
async def list_policies(request: Request) -> PolicyList:
    """Those of the organisations you may see. What `naru.toml` says is in each effective policy."""
    context, principal = read_context(request), read_principal(request)

    def read() -> list[PolicyOut]:
        found = context.policies.list_policies(find_orgs(principal, "policies.read"))
        paths = context.units.read_paths()
        return [PolicyOut.of(policy, paths) for policy in found]

    return PolicyList(policies=await run_in_threadpool(read))


@router.post("/policies/try", summary="Try a text", dependencies=[requires("policies.try")])
async def try_policy(request: Request, body: TryIn) -> TryOut:
    """What is found in a text and what would become of it, by a policy that holds or by a draft. Nothing of
    it is stored or logged, and nothing is sent."""
    context, principal = read_context(request), read_principal(request)
    return await run_in_threadpool(_try, context, principal, body)


@router.get("/policies/{kind}/{id}/effective", summary="What holds", dependencies=[requires("policies.read")])
async def read_effective(
    request: Request,
    kind: Kind,
    id: Ref,
    route: Annotated[str | None, Query(max_length=256, description="The model asked for.")] = None,
    site: Annotated[str | None, Query(max_length=64, description="Where the target stands.")] = None,
) -> EffectiveOut:
    """Every line with who says it: nearest wins upwards, and what is said of a route or a site comes on top,
    where the stricter wins."""
    context, principal = read_context(request), read_principal(request)

    def read() -> EffectiveOut:
        scope = resolve_unit(context, principal, kind, id, "policies.read")
        settings = context.policies.settings
        is_inside = site in settings.inside_sites
        table = context.policies.read_table()
        found = explain(table, scope.org, scope.team, scope.project, route, site, is_inside=is_inside)
        names = _Lines(context.units.read_paths())
        return EffectiveOut(
            kind=kind,
            id=scope.id,
            path=names.paths.get(scope.id, scope.id),
            route=route,
            site=site,
            inside=is_inside,
            enabled=settings.is_enabled,
            **names.lines(found),
        )

    return await run_in_threadpool(read)


@router.get("/policies/{kind}/{id}", summary="One policy", dependencies=[requires("policies.read")])
async def read_policy(request: Request, kind: Kind, id: Ref) -> PolicyOut:
    """What it says by itself; 404 when it says nothing."""
    context, principal = read_context(request), read_principal(request)

    def read() -> PolicyOut:
        scope = resolve_unit(context, principal, kind, id, "policies.read")
        policy = context.policies.read_policy(scope.kind, scope.id)
        return PolicyOut.of(policy, context.units.read_paths())

    return await run_in_threadpool(read)


@router.put("/policies/{kind}/{id}", summary="Set a policy", dependencies=[requires("policies.write")])
async def set_policy(request: Request, kind: Kind, id: Ref, body: PolicyIn) -> PolicyOut:
    """All of it at once; in force here when the answer comes, and in every replica within two seconds. The
    same again changes nothing."""
    context, principal = read_context(request), read_principal(request)

    def write() -> PolicyOut:
        scope = resolve_unit(context, principal, kind, id, "policies.write")
        policy = context.policies.set_policy(
            scope.kind, scope.id, body.to_rules(), org_id=scope.org, actor=principal.actor
        )
        return PolicyOut.of(policy, context.units.read_paths())

    return await run_in_threadpool(write)


@router.delete(
    "/policies/{kind}/{id}",
    summary="Remove a policy",
    status_code=204,
    dependencies=[requires("policies.write")],
)
async def delete_policy(request: Request, kind: Kind, id: Ref) -> None:
    """What is further away holds again. Removing one that is not there changes nothing."""
    context, principal = read_context(request), read_principal(request)

    def write() -> None:
        policies = context.policies
        scope = resolve_leftover(context, principal, kind, id, "policies.write", find_org=policies.find_org)
        policies.delete_policy(scope.kind, scope.id, org_id=scope.org, actor=principal.actor)

    await run_in_threadpool(write)


class _Lines:
    """Turns lines into what is shown, with paths for ids."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        self.paths = paths

    def source(self, line: Line[Any]) -> dict[str, str]:
        kind, colon, value = line.source.partition(":")
        name = f"{kind}:{self.paths.get(value, value)}" if colon else line.source
        return {"source": line.source, "source_name": name}

    def lines(self, found: Explained) -> dict[str, Any]:
        types = [*ENTITY_TYPES, *sorted(t for t in found.actions if t.startswith(CUSTOM)), "*"]
        actions = [(type, found.action_of(type)) for type in types]
        return {
            "actions": [ActionLine(type=t, action=line.value, **self.source(line)) for t, line in actions],
            "guard": [
                GuardLine(kind=kind, action=line.value, **self.source(line))
                for kind, line in found.guard.items()
            ],
            "fakes": self._names(found.fakes),
            "restore_hosts": self._names(found.restore_hosts),
            "restore_tools": self._names(found.restore_tools),
            "capture_consent": FlagLine(
                value=found.capture_consent.value, **self.source(found.capture_consent)
            ),
        }

    def _names(self, line: Line[tuple[str, ...]]) -> NamesLine:
        return NamesLine(value=list(line.value), **self.source(line))


def _try(context: ControlContext, principal: PersonPrincipal, body: TryIn) -> TryOut:
    policies = context.policies
    scope: UnitScope | None = None
    if body.kind is not None and body.id is not None:
        scope = resolve_unit(context, principal, body.kind, body.id, "policies.try")
    elif body.kind is not None or body.id is not None:
        raise BadRequest("Give both `kind` and `id`, or neither.", param="id" if body.id is None else "kind")
    drafts: list[Scoped] = []
    if body.rules is not None:
        rules = body.rules.to_rules()
        if rules != Rules():
            policies.check_policy(rules)
        if scope is None:
            raise BadRequest("A draft needs `kind` and `id`: whose policy it would be.", param="rules")
        drafts.append(Scoped(scope.kind, scope.id, rules))
    org, team, project = (None, None, None) if scope is None else (scope.org, scope.team, scope.project)
    settings = policies.settings
    policy = policies.read_table(*drafts).resolve(
        org, team, project, body.route, body.site or "", is_inside=body.site in settings.inside_sites
    )
    rules_of_mask = MaskRules(actions=policy.action_of, fakes=frozenset(policy.fakes), note=False)
    found = _look(body.text, policies.find_scanner(org, team).scan, rules_of_mask)
    entities = [
        FoundOut(**entity._asdict(), action=policy.action_of(entity.type)) for entity in found.entities
    ]
    strictest = max((entity.action for entity in entities), key=ACTIONS.index, default="allow")
    return TryOut(action=strictest, masked=found.masked, entities=entities, enabled=settings.is_enabled)


def _look(text: str, scan: Any, rules: MaskRules) -> Preview:
    try:
        return preview(text, scan, rules)
    except NaruError:
        raise
    except Exception:  # noqa: BLE001 - not a word of what was in the text may reach a log
        raise DetectionFailed("The text could not be looked through. Try a shorter one.") from None
