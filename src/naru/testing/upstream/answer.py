"""From a request and a script to the pieces of an answer, faults that need no socket included."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import msgspec

from naru.testing.upstream import converse, errors
from naru.testing.upstream.received import Received
from naru.testing.upstream.routes import ANTHROPIC_MODELS, MODELS, Call, Route, find_route
from naru.testing.upstream.script import Script, overlay
from naru.testing.upstream.turn import Json, Piece, Turn

_MODEL_PREFIX = "scripted:"
_HEADERS = {
    "openai": (
        ("x-request-id", "req_naruupstreamidnaruupstre"),
        ("openai-processing-ms", "12"),
        ("openai-version", "2020-10-01"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
    ),
    "azure": (
        ("apim-request-id", "naruupstreamidnaruupstre"),
        ("x-ms-region", "Korea Central"),
        ("x-ratelimit-remaining-tokens", "99999"),
    ),
    "anthropic": (
        ("request-id", "req_naruupstreamidnaruupstre"),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", "3999"),
    ),
    "gemini": (("server-timing", "gfet4t7; dur=321"), ("x-frame-options", "SAMEORIGIN")),
    "bedrock": (("x-amzn-requestid", "naruupstreamidnaruupstre"),),
}
_KEPT_ANSWERS = 256
_KEPT_BODY_BYTES = 65536


class Answer:
    """A status, headers and the pieces of a body; `ready` is the whole of it when it may go out at once."""

    __slots__ = ("content_type", "headers", "is_cut", "is_stream", "pieces", "ready", "script", "status")

    def __init__(
        self,
        status: int,
        content_type: str,
        headers: Sequence[tuple[str, str]],
        pieces: list[Piece],
        *,
        script: Script,
        is_stream: bool = False,
        is_cut: bool = False,
    ) -> None:
        self.status = status
        self.content_type = script.content_type or content_type
        self.headers = [*headers, *script.headers.items()]
        self.pieces = pieces
        self.script = script
        self.is_stream = is_stream
        self.is_cut = is_cut
        """The last piece ends inside a character; nothing may follow it."""
        self.ready: list[bytes] | None = None
        """Head and body around the places where the request's id goes."""


class Composer:
    """Decides what each request is answered; holds the scripts and how often each has failed."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._created = int(time.time())
        self._kept: dict[tuple[str, str, bytes, bytes], Answer] = {}
        self.set_scripts(scripts)

    def set_scripts(self, scripts: Sequence[Script]) -> None:
        """Behave by these from now on: one for each request in turn, the last one for all that follow."""
        self._scripts = list(scripts) or [Script()]
        self._failures: dict[bytes, int] = {}
        self._kept.clear()

    def compose(self, received: Received) -> Answer:
        """The answer to one request; every request gets one."""
        command = next((v for k, v in received.raw_headers if k.lower() == b"x-upstream-script"), b"")
        is_sequence = len(self._scripts) > 1
        key = (received.method, received.target, command, received.body)
        if not is_sequence and (kept := self._kept.get(key)) is not None:
            return kept
        base = self._scripts.pop(0) if is_sequence else self._scripts[0]
        answer, is_stable = self._compose(received, base, command)
        if is_stable and not is_sequence and len(received.body) <= _KEPT_BODY_BYTES:
            if len(self._kept) >= _KEPT_ANSWERS:
                self._kept.clear()
            self._kept[key] = answer
        return answer

    def _compose(self, received: Received, base: Script, command: bytes) -> tuple[Answer, bool]:
        route = find_route(received.target)
        family = _family(route)
        try:
            body = _read_body(received)
            model = route.model or body.get("model")
            script, name = _read_script(base, command, model)
        except ValueError as problem:
            return _error(family, 400, base, message=str(problem)), False
        if script.error_times is not None or script.is_error:
            failed = self._failures[name] = self._failures.get(name, 0) + 1
            if script.error_times is not None and failed > script.error_times:
                script = script.healed
        if script.is_error:
            return _scripted_error(family, script), False
        if (refusal := _refuse(received, route, script, model)) is not None or route.call is None:
            return refusal or _error(family, 404, script), False
        call = route.call
        if call is MODELS and "anthropic-version" in received.headers:
            call, family = ANTHROPIC_MODELS, "anthropic"
        is_stream = body.get("stream") is True if call.is_streamed is None else call.is_streamed
        turn = Turn(
            script=script,
            body=body,
            model=str(model),
            is_stream=is_stream and call.stream is not None,
            created=self._created,
            query=route.query,
            is_azure=route.is_azure,
            echo=_echo(received, body) if script.echo else None,
        )
        answer = _stream_answer(turn, call, family) if turn.is_stream else _whole_answer(turn, call, family)
        return answer, not (script.echo or script.error_times is not None or script.api_key is not None)


def _read_body(received: Received) -> Json:
    if not received.body:
        return {}
    try:
        return msgspec.json.decode(received.body, type=Json)
    except ValueError:
        raise ValueError("We could not parse the JSON body of your request.") from None


def _read_script(base: Script, command: bytes, model: object) -> tuple[Script, bytes]:
    """What the header and the model's name make of `base`, and the text by which its failures are counted."""
    script, name = base, b""
    try:
        if command:
            script, name = overlay(script, command), command
        if isinstance(model, str) and _MODEL_PREFIX in model:
            text = model.partition(_MODEL_PREFIX)[2]
            script, name = overlay(script, text), name + text.encode()
    except ValueError as problem:
        raise ValueError(f"This script cannot be read: {problem}") from problem
    return script, name


def _refuse(received: Received, route: Route, script: Script, model: object) -> Answer | None:
    """What a provider would not answer: an unknown path, a wrong method or key, a missing model."""
    family, call = _family(route), route.call
    if call is None:
        return _error(family, 404, script, kind="not_found")
    if received.method != call.method:
        return _error(family, 405, script, message="Method not allowed.")
    if script.api_key is not None and not _has_key(received, script.api_key):
        return _error(family, 401, script)
    if call.needs_model and not isinstance(model, str):
        return _error(family, 400, script, message="You must provide a model parameter.")
    return None


def _family(route: Route) -> str:
    if route.is_azure:
        return "azure"
    return route.call.family if route.call is not None else "openai"


def _echo(received: Received, body: Json) -> str:
    seen = {
        "method": received.method,
        "path": received.path,
        "query": received.query,
        "headers": received.headers,
        "body": body,
    }
    return msgspec.json.encode(seen).decode()


def _has_key(received: Received, key: str) -> bool:
    headers = received.headers
    carried = (
        headers.get("authorization", "").removeprefix("Bearer "),
        headers.get("x-api-key"),
        headers.get("api-key"),
        headers.get("x-goog-api-key"),
        received.query.get("key"),
    )
    return key in carried


def _error(
    family: str, status: int, script: Script, *, kind: str | None = None, message: str | None = None
) -> Answer:
    body, headers = errors.error(family, status, kind=kind, message=message)
    return Answer(
        status,
        "application/json",
        [*_HEADERS[family], *headers.items()],
        [Piece("close", msgspec.json.encode(body))],
        # An error of the upstream's own making is delivered straight, whatever the script breaks.
        script=Script(headers=script.headers),
    )


def _scripted_error(family: str, script: Script) -> Answer:
    headers = [*_HEADERS[family], *script.error_headers.items()]
    if script.redirect:
        headers.append(("location", script.redirect))
        return Answer(script.error_status or 302, "text/html", headers, [], script=script)
    status = script.error_status or 502
    headers += errors.retry_headers(script).items()
    retry_s = script.retry_after if script.retry_after_form == "detail" else None
    said, more = errors.error(
        family, status, kind=script.error_kind, message=script.error_message, retry_s=retry_s
    )
    content_type = "application/json"
    if script.html_error:
        body, content_type = errors.HTML.encode(), "text/html"
    elif script.empty_body:
        body = b""
    elif script.garbage:
        body = msgspec.json.encode(said)[:-3]
    elif isinstance(script.error_body, str):
        body, content_type = script.error_body.encode(), "text/plain; charset=utf-8"
    else:
        body = msgspec.json.encode(script.error_body if script.error_body is not None else said)
    return Answer(
        status,
        content_type,
        [*headers, *more.items()],
        [Piece("close", body)] if body else [],
        script=script,
    )


def _whole_answer(turn: Turn, call: Call, family: str) -> Answer:
    script = turn.script
    if script.empty_body:
        pieces = []
    elif script.inband_error_after_tokens is not None:
        pieces = [Piece("close", turn.encode(errors.error(family, 500)[0]))]
    else:
        body = turn.encode(call.whole(turn))
        pieces = [Piece("close", body[:-1] + b",]" if script.garbage else body)]
        if script.stall_after_tokens is not None:
            half = len(body) // 2 if script.stall_after_tokens else 0
            pieces = [Piece("close", body[:half]), Piece("stall", b"")] if half else [Piece("stall", b"")]
    pieces, is_cut = _truncate(pieces) if script.truncate_utf8 else (pieces, False)
    return Answer(200, "application/json", _HEADERS[family], pieces, script=script, is_cut=is_cut)


def _stream_answer(turn: Turn, call: Call, family: str) -> Answer:
    if call.stream is None or call.fault is None:
        raise AssertionError(f"{call.name} has no stream")
    script = turn.script
    is_array = call.name == "streamGenerateContent" and turn.query.get("alt") != "sse"
    content_type = "application/json; charset=UTF-8" if is_array else call.stream_type
    pieces = [] if script.empty_body else _bend(call.stream(turn), turn, call)
    pieces, is_cut = _truncate(pieces) if script.truncate_utf8 else (pieces, False)
    headers = [*_HEADERS[family], ("cache-control", "no-cache")]
    return Answer(200, content_type, headers, pieces, script=script, is_stream=True, is_cut=is_cut)


def _bend(pieces: Iterable[Piece], turn: Turn, call: Call) -> list[Piece]:
    """The stream as the script wants it broken: stalled, failed inside, left without its end, garbled."""
    script = turn.script
    stall, fail = script.stall_after_tokens, script.inband_error_after_tokens
    out: list[Piece] = []
    tokens = 0
    whole = list(pieces)
    ends = [piece for piece in whole if piece.kind == "end"]
    for piece in whole:
        # With 0 the opening events still go out; a limit beyond the last token strikes before the end.
        is_due = piece.kind == "end" or (piece.kind != "open" and tokens == 0)
        for limit, what in ((stall, "stall"), (fail, "fail")):
            if limit is not None and (tokens >= limit > 0 or (limit == 0 and is_due) or piece.kind == "end"):
                if what == "stall":
                    return [*out, Piece("stall", b"")]
                out.append(Piece("close", call.fault(turn) if call.fault else b""))
                return [*out, *ends] if script.done_after_error else out
        if piece.kind == "end" and script.forget_done:
            continue
        out.append(piece)
        if piece.kind == "token":
            tokens += 1
            if tokens == 1 and script.garbage:
                out.append(Piece("close", _garbage(turn, call)))
    return out


def _garbage(turn: Turn, call: Call) -> bytes:
    if call.family == "bedrock":
        return converse.garbage(turn)
    return b'data: {"id":"broken","choices":[{"index":0,"del\n\n'


def _truncate(pieces: list[Piece]) -> tuple[list[Piece], bool]:
    """Everything up to and with the first byte of the last multi-byte character."""
    for number in range(len(pieces) - 1, -1, -1):
        data = pieces[number].data
        for at in range(len(data) - 1, -1, -1):
            if data[at] >= 0xC0:
                return [*pieces[:number], pieces[number]._replace(data=data[: at + 1])], True
    return pieces, False
