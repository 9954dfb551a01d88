"""The Gemini language as the road sees it."""

from __future__ import annotations

from naru.wire.gemini.decoder import GeminiDecoder
from naru.wire.gemini.reply import decode_fault, decode_reply, summarize
from naru.wire.gemini.request import encode_request
from naru.wire.model import Json, Reply, Request, Summary, UpstreamFault


class GeminiDialect:
    """Upstream language; the model's name and whether to stream stand in the address."""

    name = "gemini"

    def encode_request(self, request: Request, model: str) -> Json:
        """Raises BadRequest when the request cannot be said in this language at all."""
        return encode_request(request, model)

    def decode_reply(self, body: Json) -> Reply:
        """Lenient: what cannot be read is left out."""
        return decode_reply(body)

    def summarize(self, body: bytes) -> Summary:
        """Never raises."""
        return summarize(body)

    def new_decoder(self) -> GeminiDecoder:
        """Reads one upstream stream."""
        return GeminiDecoder()

    def decode_fault(self, status: int, body: bytes) -> UpstreamFault:
        """Copes with HTML, plain text and nothing at all."""
        return decode_fault(status, body)
