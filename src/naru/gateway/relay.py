"""One upstream's stream on its way to the client: read once, judged, translated, and restored.

What a policy wants judged first waits for it, a few words at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from naru.gateway.guard import Watch
from naru.kernel.errors import Forbidden
from naru.kernel.tokens import Usage
from naru.trust import Restorer
from naru.wire.base import Frame, StreamEncoder
from naru.wire.model import (
    End,
    Event,
    Fault,
    Finish,
    Metered,
    RefusalDelta,
    Reply,
    Start,
    TextDelta,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
    UpstreamFault,
)


class Relay:
    """Turns the frames of one upstream stream into the client's bytes, and remembers what they said.

    Args:
        decode: reads a frame into events.
        encode: writes events for the client; None sends the frames as they came.
        is_hidden: whether a frame is one that Naru asked for and the client did not.
        complete: fills in what the upstream's language has no word for (Bedrock names no id and no model).
        restorer: puts what was masked in the request back into what the client gets.
        watch: reads along, and raises Forbidden when the answer must go no further.
    """

    __slots__ = (
        "_complete",
        "_decode",
        "_encoder",
        "_held",
        "_is_hidden",
        "_restorer",
        "_verdict",
        "_watch",
        "answer_id",
        "fault",
        "finish_reason",
        "has_content",
        "is_ended",
        "output_chars",
        "usage",
    )

    def __init__(
        self,
        decode: Callable[[Frame], list[Event]],
        encoder: StreamEncoder | None,
        is_hidden: Callable[[Frame], bool] | None,
        complete: Callable[[Start | Reply], None] | None = None,
        restorer: Restorer | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._decode = decode
        self._watch = watch
        self._held: list[bytes] = []
        self._verdict: Forbidden | None = None
        self._restorer = restorer
        self.answer_id: str | None = None
        self._complete = complete
        self._encoder = encoder
        self._is_hidden = is_hidden
        self.has_content = False
        self.is_ended = False
        self.usage: Usage | None = None
        self.finish_reason: str | None = None
        self.output_chars = 0
        self.fault: UpstreamFault | None = None

    def feed(self, frames: Iterable[Frame]) -> bytes:
        """Bytes for the client; stops at an error, which is then in `fault` and not in the bytes.

        Raises:
            Forbidden: the answer must go no further. What came before that was returned.
        """
        if self._verdict is not None:
            raise self._verdict
        out: list[bytes] = []
        for frame in frames:
            events = self._decode(frame)
            try:
                self._read(events)
            except Forbidden as verdict:
                self._held.clear()
                self.is_ended = False
                if not out:
                    raise
                self._verdict = verdict
                break
            if self.fault is not None:
                break
            self._write(frame, events, out)
        return self._restore(b"".join(out), is_last=self.is_ended)

    def _read(self, events: list[Event]) -> None:
        watch = self._watch
        for event in events:
            self._note(event)
            if watch is not None:
                self._judge(event, watch)

    def _write(self, frame: Frame, events: list[Event], out: list[bytes]) -> None:
        """What a frame is to the client: to `out`, or held until it was judged."""
        watch, held = self._watch, self._held
        is_held = watch is not None and watch.is_holding
        said = held if is_held else out
        if self._encoder is not None:
            said += map(self._encoder.encode, events)
        elif self._is_hidden is None or not self._is_hidden(frame):
            said.append(frame.raw)
        if is_held and watch is not None and watch.is_settled:
            # A word that a frame ends in the middle of is not over yet.
            ready = len(held) if watch.is_between_words else len(held) - 1
            out += held[:ready]
            del held[:ready]

    def _restore(self, data: bytes, *, is_last: bool) -> bytes:
        if self._restorer is None:
            return data
        data = self._restorer.feed(data) if data else b""
        return data + self._restorer.finish() if is_last else data

    def end_without_mark(self) -> bytes:
        """Close a translated stream whose upstream finished its answer and forgot the terminal event."""
        end = b"" if self._encoder is None else self._encoder.encode(End())
        return self._restore(self._let_go() + end, is_last=True)

    def flush(self) -> bytes:
        """What is still held back, when the stream breaks off."""
        return self._restore(self._let_go(), is_last=True)

    def _let_go(self) -> bytes:
        """What waited to be judged; nothing, when it must not go on."""
        held, self._held = self._held, []
        try:
            if held and self._watch is not None:
                self._watch.finish()
        except Forbidden:
            return b""
        return b"".join(held)

    def _judge(self, event: Event, watch: Watch) -> None:
        kind = type(event)
        if kind is TextDelta or kind is RefusalDelta or kind is ThinkingDelta:
            watch.feed(cast("TextDelta", event).text)
        elif kind is ToolDelta:
            watch.feed(cast("ToolDelta", event).arguments)
        elif kind is End:
            watch.finish()

    def _note(self, event: Event) -> None:
        kind = type(event)
        if kind is TextDelta or kind is ThinkingDelta or kind is RefusalDelta:
            self.output_chars += len(cast("TextDelta", event).text)
            self.has_content = True
        elif kind is ToolDelta:
            self.output_chars += len(cast("ToolDelta", event).arguments)
            self.has_content = True
        elif kind is ToolStart:
            self.has_content = True
        elif kind is Metered:
            self.usage = cast("Metered", event).usage
        elif kind is Start:
            if self._complete is not None:
                self._complete(cast("Start", event))
            self.answer_id = cast("Start", event).id
        elif kind is Finish:
            self.finish_reason = cast("Finish", event).reason
            self.has_content = True
        elif kind is End:
            self.is_ended = True
            self.has_content = True
        elif kind is Fault:
            self.fault = cast("Fault", event).fault
