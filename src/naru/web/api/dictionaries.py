"""`/api/dictionaries` and `/api/patterns`: an organisation's or team's own words, found as `CUSTOM:<name>`.

Words are personal data: answers hold names and counts. The terms are read with `values.reveal` alone, and
that somebody did is in the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel as Out
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse

from naru.identity import PersonPrincipal, UnitKind, decide, find_orgs
from naru.kernel.errors import PayloadTooLarge
from naru.trust.entity import CUSTOM
from naru.trust.store import Words
from naru.trust.term_file import read_terms
from naru.web.access import read_context, read_principal, requires
from naru.web.api.units import In
from naru.web.context import ControlContext
from naru.web.unit_scopes import UnitScope, resolve_leftover, resolve_unit
from naru.web.window import time_from_ns

router = APIRouter(prefix="/api", tags=["trust"])

Kind = Annotated[Literal["org", "team"], Path(description="Whose words.")]
Ref = Annotated[str, Path(max_length=200, description="Its id, or its name where no other has it.")]
Name = Annotated[str, Path(max_length=64, description="1 to 64 letters, digits, `_`, `.` and `-`.")]
_MAX_FILE_BYTES = 32 * 1024 * 1024
_TEXT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/plain": {"schema": {"type": "string"}, "example": "한강상사\n김나루\nProject Otter\n"}
        },
    }
}
_TEXT_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "One term a line."}
}


class DictionaryIn(In):
    """The terms of a dictionary, all of them at once."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"terms": ["한강상사", "김나루", "Project Otter"]}]}
    )

    terms: Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=200_000)] = Field(
        description="1 to 100,000 of 200 signs at most; found as whole words, in either case, with or "
        "without a Korean particle after them."
    )


class PatternIn(In):
    """An expression."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"expression": "EMP-[0-9]{6}"}]}
    )

    expression: str = Field(
        max_length=1000, description="RE2 or Hyperscan syntax: no look-around, no back reference."
    )


class WordsOut(Out):
    """Whose words they are, and how they are found."""

    id: str
    name: str
    type: str = Field(description="As policies name it: `CUSTOM:<name>`.")
    scope_kind: UnitKind
    scope_id: str
    scope_path: str
    org: str
    updated_by: str
    updated_at: datetime


class DictionaryOut(WordsOut):
    """A dictionary, without its terms."""

    terms: int = Field(description="How many.")

    @classmethod
    def of(cls, words: Words, paths: Mapping[str, str]) -> Self:
        return cls(terms=words.size, **_fields(words, paths))


class PatternOut(WordsOut):
    """A pattern."""

    expression: str | None = Field(description="For those who may change it; null for others.")

    @classmethod
    def of(cls, words: Words, paths: Mapping[str, str], expression: str | None) -> Self:
        return cls(expression=expression, **_fields(words, paths))


class DictionaryList(Out):
    dictionaries: list[DictionaryOut]


class PatternList(Out):
    patterns: list[PatternOut]


# --- dictionaries ----------------------------------------------------------------------------------------


@router.get("/dictionaries", summary="Dictionaries", dependencies=[requires("policies.read")])
async def list_dictionaries(request: Request) -> DictionaryList:
    """Names and counts, of the organisations you may see."""
    context, principal = read_context(request), read_principal(request)

    def read() -> list[DictionaryOut]:
        found = context.policies.list_words("dictionary", find_orgs(principal, "policies.read"))
        paths = context.units.read_paths()
        return [DictionaryOut.of(words, paths) for words in found]

    return DictionaryList(dictionaries=await run_in_threadpool(read))


@router.get(
    "/dictionaries/{kind}/{id}/{name}", summary="One dictionary", dependencies=[requires("policies.read")]
)
async def read_dictionary(request: Request, kind: Kind, id: Ref, name: Name) -> DictionaryOut:
    """Its name and count."""
    context, principal = read_context(request), read_principal(request)

    def read() -> DictionaryOut:
        scope = resolve_unit(context, principal, kind, id, "policies.read")
        words = context.policies.read_words("dictionary", scope.kind, scope.id, name)
        return DictionaryOut.of(words, context.units.read_paths())

    return await run_in_threadpool(read)


@router.put(
    "/dictionaries/{kind}/{id}/{name}",
    summary="Write a dictionary",
    dependencies=[requires("policies.write")],
)
async def set_dictionary(
    request: Request, kind: Kind, id: Ref, name: Name, body: DictionaryIn
) -> DictionaryOut:
    """All of its terms at once; in force here when the answer comes (a hundred thousand terms take seconds),
    and in every replica soon after. The same again changes nothing."""
    return await _set_dictionary(request, kind, id, name, body.terms)


@router.put(
    "/dictionaries/{kind}/{id}/{name}/file",
    summary="Write a dictionary from a text file",
    dependencies=[requires("policies.write")],
    openapi_extra=_TEXT_BODY,
)
async def upload_dictionary(request: Request, kind: Kind, id: Ref, name: Name) -> DictionaryOut:
    """UTF-8 text, one term a line; empty lines count for nothing. An error names the line by its number."""
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > _MAX_FILE_BYTES:
            raise PayloadTooLarge(f"The file is larger than {_MAX_FILE_BYTES >> 20} MiB.")
    terms = await run_in_threadpool(read_terms, bytes(data))
    return await _set_dictionary(request, kind, id, name, terms)


@router.get(
    "/dictionaries/{kind}/{id}/{name}/terms",
    summary="The terms of a dictionary",
    dependencies=[requires("values.reveal")],
    response_class=PlainTextResponse,
    responses=_TEXT_ANSWER,
)
async def read_terms_of(request: Request, kind: Kind, id: Ref, name: Name) -> PlainTextResponse:
    """One a line. That you read them is in the audit log."""
    context, principal = read_context(request), read_principal(request)

    def read() -> tuple[str, ...]:
        scope = resolve_unit(context, principal, kind, id, "values.reveal")
        return context.policies.reveal("dictionary", scope.kind, scope.id, name, actor=principal.actor)

    terms = await run_in_threadpool(read)
    return PlainTextResponse("".join(f"{term}\n" for term in terms))


@router.delete(
    "/dictionaries/{kind}/{id}/{name}",
    summary="Forget a dictionary",
    status_code=204,
    dependencies=[requires("policies.write")],
)
async def delete_dictionary(request: Request, kind: Kind, id: Ref, name: Name) -> None:
    """Forgetting one that is not there changes nothing."""
    context, principal = read_context(request), read_principal(request)

    def write() -> None:
        scope = _resolve_for_removal(context, principal, kind, id)
        context.policies.delete_words("dictionary", scope.kind, scope.id, name, actor=principal.actor)

    await run_in_threadpool(write)


# --- patterns --------------------------------------------------------------------------------------------


@router.get("/patterns", summary="Patterns", dependencies=[requires("policies.read")])
async def list_patterns(request: Request) -> PatternList:
    """Of the organisations you may see; expressions for those alone who may change them."""
    context, principal = read_context(request), read_principal(request)

    def read() -> list[PatternOut]:
        found = context.policies.list_words("pattern", find_orgs(principal, "policies.read"))
        paths = context.units.read_paths()
        return [_show_pattern(context, principal, words, paths) for words in found]

    return PatternList(patterns=await run_in_threadpool(read))


@router.get("/patterns/{kind}/{id}/{name}", summary="One pattern", dependencies=[requires("policies.read")])
async def read_pattern(request: Request, kind: Kind, id: Ref, name: Name) -> PatternOut:
    """Its expression is null for those who may not change it."""
    context, principal = read_context(request), read_principal(request)

    def read() -> PatternOut:
        scope = resolve_unit(context, principal, kind, id, "policies.read")
        words = context.policies.read_words("pattern", scope.kind, scope.id, name)
        return _show_pattern(context, principal, words, context.units.read_paths())

    return await run_in_threadpool(read)


@router.put(
    "/patterns/{kind}/{id}/{name}", summary="Write a pattern", dependencies=[requires("policies.write")]
)
async def set_pattern(request: Request, kind: Kind, id: Ref, name: Name, body: PatternIn) -> PatternOut:
    """Refused when it cannot be matched in time linear in the text. The same again changes nothing."""
    context, principal = read_context(request), read_principal(request)

    def write() -> PatternOut:
        scope = resolve_unit(context, principal, kind, id, "policies.write")
        words = context.policies.set_pattern(
            scope.kind, scope.id, name, body.expression, org_id=scope.org, actor=principal.actor
        )
        return PatternOut.of(words, context.units.read_paths(), body.expression)

    return await run_in_threadpool(write)


@router.delete(
    "/patterns/{kind}/{id}/{name}",
    summary="Forget a pattern",
    status_code=204,
    dependencies=[requires("policies.write")],
)
async def delete_pattern(request: Request, kind: Kind, id: Ref, name: Name) -> None:
    """Forgetting one that is not there changes nothing."""
    context, principal = read_context(request), read_principal(request)

    def write() -> None:
        scope = _resolve_for_removal(context, principal, kind, id)
        context.policies.delete_words("pattern", scope.kind, scope.id, name, actor=principal.actor)

    await run_in_threadpool(write)


# --- what both have in common ----------------------------------------------------------------------------


async def _set_dictionary(
    request: Request, kind: UnitKind, id: str, name: str, terms: list[str]
) -> DictionaryOut:
    context, principal = read_context(request), read_principal(request)

    def write() -> DictionaryOut:
        scope = resolve_unit(context, principal, kind, id, "policies.write")
        words = context.policies.set_dictionary(
            scope.kind, scope.id, name, terms, org_id=scope.org, actor=principal.actor
        )
        return DictionaryOut.of(words, context.units.read_paths())

    return await run_in_threadpool(write)


def _resolve_for_removal(
    context: ControlContext, principal: PersonPrincipal, kind: UnitKind, id: str
) -> UnitScope:
    find_org = context.policies.find_org
    return resolve_leftover(context, principal, kind, id, "policies.write", find_org=find_org)


def _show_pattern(
    context: ControlContext, principal: PersonPrincipal, words: Words, paths: Mapping[str, str]
) -> PatternOut:
    expression = None
    if decide(principal, "policies.write", words.org_id):
        expression = context.policies.read_expression(words.scope_kind, words.scope_value, words.name)
    return PatternOut.of(words, paths, expression)


def _fields(words: Words, paths: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": words.id,
        "name": words.name,
        "type": CUSTOM + words.name,
        "scope_kind": words.scope_kind,
        "scope_id": words.scope_value,
        "scope_path": paths.get(words.scope_value, words.scope_value),
        "org": words.org_id,
        "updated_by": words.updated_by,
        "updated_at": time_from_ns(words.updated_at_ns),
    }
