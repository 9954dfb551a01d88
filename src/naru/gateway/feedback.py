"""`POST /v1/feedback`: whoever made a call says with the same key what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from naru.identity import Principal
from naru.kernel.errors import BadRequest, NotFound
from naru.metering import Call
from naru.trust.feedback import FeedbackBook, Opinion, RatedCall

PATH = "/v1/feedback"
MAX_BYTES = 512 * 1024


class _Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    call_id: str
    thumb: str | None = None
    score: float | None = None
    label: str | None = None
    comment: str | None = None
    correction: str | None = None


class FeedbackDoor:
    """Feedback from the data plane.

    Args:
        find_call: of the ledger; blocks.
        flush: has the ledger write what it holds.
    """

    def __init__(
        self,
        book: FeedbackBook,
        *,
        find_call: Callable[[str], Call | None],
        flush: Callable[[], Awaitable[object]],
    ) -> None:
        self._book = book
        self._find_call = find_call
        self._flush = flush

    async def take(self, principal: Principal, body: bytes) -> bytes:
        """Write it down. Returns the answer's JSON: ids and what was kept, no text.

        Raises:
            BadRequest: the body cannot be read, or a field is wrong.
            NotFound: this key made no such call.
            Forbidden: it holds text, and the team has not consented.
        """
        said = _read(body)
        call = await asyncio.to_thread(self._find_call, said.call_id)
        if call is None:  # it may have ended this moment
            await self._flush()
            call = await asyncio.to_thread(self._find_call, said.call_id)
        if call is None or (call.key_id != principal.key_id and not principal.is_admin):
            raise NotFound("This key made no call of this id.", code="call_not_found", param="call_id")
        opinion = msgspec.convert({name: getattr(said, name) for name in Opinion.__struct_fields__}, Opinion)
        rated = RatedCall(call.id, call.org, call.team, call.project)
        rating = await asyncio.to_thread(self._book.add, rated, opinion, rater=f"key:{principal.key_id}")
        return msgspec.json.encode(
            {
                "id": rating.id,
                "object": "feedback",
                "call_id": rating.call_id,
                "has_comment": rating.has_comment,
                "has_correction": rating.has_correction,
            }
        )


def _read(body: bytes) -> _Body:
    try:
        said = msgspec.json.decode(body, type=_Body)
    except msgspec.ValidationError as error:
        # Its message names fields and types, never a value.
        raise BadRequest(f"The body is not a rating: {error}.", code="invalid_type") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not valid JSON.", code="invalid_json") from None
    if said.thumb not in (None, "up", "down"):
        raise BadRequest("`thumb` is `up` or `down`.", code="invalid_value", param="thumb")
    return said
