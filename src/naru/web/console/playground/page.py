"""Playground: the page. Its answers come from the data plane, at `/console/v1`, with the session's rights."""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from naru.kernel.errors import BadRequest, PayloadTooLarge, Unauthenticated
from naru.trust.entity import ENTITY_TYPES
from naru.web.access import find_playground_principal, read_context, read_principal, requires
from naru.web.console.frame import render
from naru.web.console.language import find_language, read_catalogue
from naru.web.console.phrases import REFUSALS
from naru.web.console.playground.seen import MAX_TEXT, MAX_TURNS, Turn, see
from naru.web.playground_caller import for_unit, list_choices

router = APIRouter()

_MAX_BODY: Final = 4 * MAX_TEXT


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A conversation of the page, and where it goes."""

    model: str
    messages: list[Turn]
    site: str | None = None
    """Of the target that answered; None: the model's first."""
    unit: str | None = None
    answer: str | None = None

    def __repr__(self) -> str:
        return f"Asked({len(self.messages)} messages)"


_asked = msgspec.json.Decoder(Asked)


@router.get("/playground", dependencies=[requires("playground.use")])
async def show_playground(request: Request, model: str = "") -> Response:
    """The chat. `?model=` chooses one."""
    context, principal = read_context(request), read_principal(request)
    units = await run_in_threadpool(list_choices, context, principal)
    return render(
        request,
        "playground/page.html",
        area="playground",
        values={
            "models": context.models(),
            "chosen": model,
            "units": units,
            "is_everywhere": principal.is_admin_key,
            "entity_types": ENTITY_TYPES,
            "refusals": _say_refusals(find_language(request)),
        },
    )


@router.post("/playground/seen", dependencies=[requires("playground.use")])
async def show_seen(request: Request) -> Response:
    """What of a conversation leaves, and what came back masked. Nothing of it is kept or logged."""
    asked = await _read(request)
    context, person = read_context(request), read_principal(request)
    base = find_playground_principal(request.scope, context)
    if base is None:  # a program with the admin key: the box is the page's own
        raise Unauthenticated("Open the playground and sign in.")
    first = next((model.site for model in context.models() if model.id == asked.model), "")

    def look() -> Response:
        caller = for_unit(context, person, asked.unit, base) if asked.unit else base
        seen = see(
            context.policies,
            caller,
            asked.messages,
            model=asked.model,
            site=first if asked.site is None else asked.site,
            answer=asked.answer,
        )
        return Response(msgspec.json.encode(seen), media_type="application/json")

    return await run_in_threadpool(look)


def _say_refusals(language: str) -> dict[str, str]:
    """By error code. None in English: what the road says itself is more exact."""
    said = read_catalogue(language).gettext
    return {} if language == "en" else {code: said(text) for code, text in REFUSALS.items()}


async def _read(request: Request) -> Asked:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY:
            raise PayloadTooLarge("The conversation is too long to be shown side by side.")
    try:
        asked = _asked.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest("The conversation cannot be read.") from None
    if len(asked.messages) > MAX_TURNS:
        raise PayloadTooLarge("The conversation is too long to be shown side by side.")
    return asked
