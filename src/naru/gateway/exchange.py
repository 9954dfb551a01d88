"""One request on the road: what is known of it so far, and how its answer is written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any

from naru.gateway.endpoints import Endpoint
from naru.kernel.ids import new_id
from naru.kernel.tokens import Usage

if TYPE_CHECKING:
    from naru.gateway.envelope import Envelope
    from naru.gateway.patience import Patience
    from naru.identity import Principal
    from naru.kernel.errors import NaruError
    from naru.metering import CallStatus, Cost
    from naru.quota import Admission, Hold
    from naru.quota import Scope as QuotaScope
    from naru.routing import Target

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HEAD = "naru.head"
"""Key in the ASGI scope of whoever writes the answer's head, when it takes finished lines."""


class AttemptLog:
    """What happened at one target, filled while it happens; `settle` makes the ledger's row of it."""

    __slots__ = (
        "answer_id",
        "cost",
        "duration_s",
        "error",
        "finish_reason",
        "first_token_s",
        "hold",
        "id",
        "is_billable",
        "output_chars",
        "started",
        "started_at_ns",
        "status",
        "target",
        "upstream_status",
        "usage",
    )

    def __init__(self, id: str, target: Target) -> None:
        self.id = id
        self.target = target
        self.started_at_ns = time_ns()
        self.started = perf_counter()
        self.status: CallStatus = "error"
        self.upstream_status: int | None = None
        self.error: NaruError | None = None
        self.finish_reason: str | None = None
        self.answer_id: str | None = None
        self.first_token_s: float | None = None
        self.duration_s: float | None = None
        self.usage: Usage | None = None
        self.output_chars = 0
        self.is_billable = False
        """The upstream took the request, so it may cost money whatever became of it."""
        self.cost: Cost | None = None
        self.hold: Hold | None = None
        """The money reserved for it."""

    def close(self) -> None:
        """The attempt is over; the first close counts."""
        if self.duration_s is None:
            self.duration_s = perf_counter() - self.started


class Exchange:
    """One request and its answer.

    The answer's first byte is the point of no return: before it an error is an HTTP status and another
    target may be tried, after it an error is an event in the stream.
    """

    __slots__ = (
        "admission",
        "attempts",
        "body",
        "client_timeout_s",
        "endpoint",
        "envelope",
        "error",
        "finish_reason",
        "first_byte_at",
        "found",
        "headers",
        "http_status",
        "id",
        "input_bound",
        "is_client_gone",
        "limit_headers",
        "masked_count",
        "model_served",
        "patience",
        "principal",
        "receive",
        "scope",
        "scopes",
        "send",
        "sent_bytes",
        "started",
        "started_at_ns",
        "status",
        "tags",
        "upstream_wait_s",
        "verdicts",
    )

    def __init__(self, endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
        self.id = new_id("req")
        self.endpoint = endpoint
        self.scope = scope
        self.receive = receive
        self.send = send
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.started_at_ns = time_ns()
        self.started = perf_counter()
        self.body = b""
        self.envelope: Envelope | None = None
        self.principal: Principal | None = None
        self.tags: dict[str, str] = {}
        self.client_timeout_s: float | None = None
        self.attempts: list[AttemptLog] = []
        self.upstream_wait_s = 0.0
        self.model_served: str | None = None
        self.finish_reason: str | None = None
        self.status: CallStatus = "error"
        self.http_status = 500
        self.error: NaruError | None = None
        self.first_byte_at: float | None = None
        self.is_client_gone = False
        self.scopes: tuple[QuotaScope, ...] = ()
        """What its budgets and limits are found by."""
        self.admission: Admission | None = None
        self.limit_headers: list[tuple[bytes, bytes]] = []
        self.input_bound: int | None = None
        self.found: dict[str, int] | None = None
        """Values of each type of personal data in the request; None when nobody looked."""
        self.masked_count = 0
        self.patience: Patience
        """There once it is on its way to an upstream."""
        self.sent_bytes = 0
        """Of the longest form in which it was sent, where that is not the client's."""
        self.verdicts: list[dict[str, object]] = []
        """What the guard says of it: kinds, scores, reasons and actions, never the text."""

    @property
    def is_stream(self) -> bool:
        """Whether the client asked for a stream; False while that is not known."""
        return self.envelope is not None and self.envelope.is_stream

    @property
    def has_started(self) -> bool:
        """Whether the first byte of the answer has gone out."""
        return self.first_byte_at is not None

    @property
    def elapsed_overhead_s(self) -> float:
        """Naru's own share of the time so far."""
        return max(0.0, perf_counter() - self.started - self.upstream_wait_s)

    @property
    def overhead_s(self) -> float | None:
        """Naru's own share of the time to the first byte: without waiting for upstreams or backing off."""
        if self.first_byte_at is None:
            return None
        return max(0.0, self.first_byte_at - self.started - self.upstream_wait_s)

    async def start_answer(
        self,
        status: int,
        headers: list[tuple[bytes, bytes]],
        lines: bytes = b"",
        *,
        is_whole: bool = False,
    ) -> None:
        """Send the status and the headers; from here on there is no way back.

        Args:
            status: of HTTP.
            headers: checked one by one by the server.
            lines: more of them, finished (`name: value`, CRLF) and known to be clean: ten checks fewer.
            is_whole: the whole body is sent next.
        """
        self.first_byte_at = perf_counter()
        self.http_status = status
        head = self.scope.get(HEAD)
        if head is not None:
            head.more = lines
            head.is_whole = is_whole
        else:
            headers += [tuple(line.split(b": ", 1)) for line in lines.splitlines()]  # type: ignore[misc]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def answer(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes, lines: bytes = b""
    ) -> None:
        """Send a whole answer; `lines` as in `start_answer`."""
        headers.append((b"content-length", b"%d" % len(body)))
        await self.start_answer(status, headers, lines, is_whole=self.scope["method"] != "HEAD")
        await self.send({"type": "http.response.body", "body": body})
