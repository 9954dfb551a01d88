"""Which provider and which call a path is. Prefixes before `/v1` are allowed, as real hosts have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from naru.testing.upstream import (
    catalog,
    chat,
    completions,
    converse,
    embeddings,
    gemini,
    messages,
    responses,
)
from naru.testing.upstream.turn import Json, Piece, Turn


class Call(NamedTuple):
    """One call of one provider. `stream` is None where there is nothing to stream."""

    name: str
    family: str
    whole: Callable[[Turn], Json]
    stream: Callable[[Turn], Iterator[Piece]] | None = None
    fault: Callable[[Turn], bytes] | None = None
    stream_type: str = "text/event-stream; charset=utf-8"
    is_streamed: bool | None = None
    """What the path says; None where the body's `stream` decides."""
    method: str = "POST"
    needs_model: bool = True


class Route(NamedTuple):
    """What a request target means."""

    call: Call | None
    model: str | None
    query: dict[str, str]
    is_azure: bool = False


CHAT = Call("chat", "openai", chat.whole, chat.stream, chat.fault)
COMPLETIONS = Call("completions", "openai", completions.whole, completions.stream, completions.fault)
RESPONSES = Call("responses", "openai", responses.whole, responses.stream, responses.fault)
EMBEDDINGS = Call("embeddings", "openai", embeddings.openai)
MESSAGES = Call("messages", "anthropic", messages.whole, messages.stream, messages.fault)
COUNT = Call("count_tokens", "anthropic", catalog.count_tokens)
MODELS = Call("models", "openai", catalog.openai, method="GET", needs_model=False)
ANTHROPIC_MODELS = Call("models", "anthropic", catalog.anthropic, method="GET", needs_model=False)
GEMINI_MODELS = Call("models", "gemini", catalog.gemini, method="GET", needs_model=False)
GENERATE = Call("generateContent", "gemini", gemini.whole, fault=gemini.fault, is_streamed=False)
STREAM_GENERATE = Call(
    "streamGenerateContent", "gemini", gemini.whole, gemini.stream, gemini.fault, is_streamed=True
)
EMBED = Call("embedContent", "gemini", embeddings.gemini_one, is_streamed=False)
BATCH_EMBED = Call("batchEmbedContents", "gemini", embeddings.gemini_batch, is_streamed=False)
CONVERSE = Call("converse", "bedrock", converse.whole, fault=converse.fault, is_streamed=False)
CONVERSE_STREAM = Call(
    "converse-stream",
    "bedrock",
    converse.whole,
    converse.stream,
    converse.fault,
    stream_type="application/vnd.amazon.eventstream",
    is_streamed=True,
)
INVOKE = Call("invoke", "bedrock", embeddings.bedrock, is_streamed=False)

_OPENAI = {
    "/chat/completions": CHAT,
    "/completions": COMPLETIONS,
    "/responses": RESPONSES,
    "/embeddings": EMBEDDINGS,
    "/models": MODELS,
}
_GEMINI = {call.name: call for call in (GENERATE, STREAM_GENERATE, EMBED, BATCH_EMBED)}
_BEDROCK = {call.name: call for call in (CONVERSE, CONVERSE_STREAM, INVOKE)}
_AZURE_PATH = re.compile(r"^/openai/deployments/([^/]+)(/.+)$")
_GEMINI_PATH = re.compile(r"^/v1(?:beta|alpha)?/(?:projects/.+/)?models/(.+):(\w+)$", re.DOTALL)
_BEDROCK_PATH = re.compile(r"^/model/(.+)/([a-z-]+)$", re.DOTALL)
_V1_PATH = re.compile(r"^((?:/[\w.~-]+)*?)/v1(beta)?((?:/[a-z_]+)+)$")


@lru_cache(maxsize=1024)
def find_route(target: str) -> Route:
    """The meaning of a request target; a `call` of None is a path no provider has."""
    path, _, query_text = target.partition("?")
    query = dict(parse_qsl(query_text, keep_blank_values=True))
    if azure := _AZURE_PATH.match(path):
        # Azure answers 404 to a deployment asked without a version.
        call = _OPENAI.get(azure[2]) if query.get("api-version") else None
        return Route(call, unquote(azure[1]), query, is_azure=True)
    if named := _GEMINI_PATH.match(path):
        return Route(_GEMINI.get(named[2]), unquote(named[1]), query)
    if named := _BEDROCK_PATH.match(path):
        return Route(_BEDROCK.get(named[2]), unquote(named[1]), query)
    if plain := _V1_PATH.match(path):
        prefix, beta, rest = plain[1], plain[2], plain[3]
        if "/v1" in prefix:
            # The commonest slip with a base URL; a lenient upstream would hide it.
            return Route(None, None, query)
        if rest == "/messages" and not beta:
            return Route(MESSAGES, None, query)
        if rest == "/messages/count_tokens" and not beta:
            return Route(COUNT, None, query)
        if beta:
            # Gemini's own list, or the doors of its OpenAI-compatible front.
            openai = _OPENAI.get(rest.removeprefix("/openai")) if rest.startswith("/openai/") else None
            return Route(GEMINI_MODELS if rest == "/models" else openai, None, query)
        return Route(
            _OPENAI.get(rest.removeprefix("/openai")), None, query, is_azure=prefix.endswith("/openai")
        )
    return Route(None, None, query)
