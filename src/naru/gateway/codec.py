"""Between a client's language and an upstream's: the same bytes where they agree, a translation where not.

Either way every answer is read once for metering, so what the ledger says of a translated call and of an
untouched one comes from the same reader.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, MutableMapping
from functools import partial
from typing import Any, Protocol, cast

import msgspec

from naru.gateway.endpoints import Endpoint
from naru.gateway.envelope import Envelope
from naru.gateway.exchange import AttemptLog
from naru.gateway.guard import Watch
from naru.gateway.relay import Relay
from naru.kernel.errors import BadRequest, UpstreamError
from naru.providers.base import UpstreamRequest
from naru.providers.retention import tell_retention
from naru.routing import Target
from naru.trust import Restorer
from naru.wire.base import PassthroughDialect, UpstreamDialect
from naru.wire.embeddings import summarize_embeddings
from naru.wire.model import (
    Choice,
    End,
    Event,
    Finish,
    Json,
    Metered,
    Ping,
    Refusal,
    RefusalDelta,
    Reply,
    Request,
    Start,
    Summary,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolDelta,
    ToolStart,
    ToolUse,
    UpstreamFault,
)

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, object])
_encode = msgspec.json.Encoder().encode
_NULL = b"null"
_BASE64 = b'"base64"'
_SAFE_CLIENT_HEADERS = (b"anthropic-beta", b"anthropic-version", b"openai-beta")


class WireFault(Exception):
    """An answer with status 200 that holds an error after all."""

    def __init__(self, fault: UpstreamFault) -> None:
        super().__init__(fault.code)
        self.fault = fault


def _unreadable() -> UpstreamError:
    # Not tried again at the same upstream: it did the work and will bill it.
    return UpstreamError(
        "The provider's answer cannot be read: it is not what its API promises.",
        code="upstream_protocol",
    )


def read_object(dialect: UpstreamDialect, body: bytes) -> None:
    """Check that a whole answer is a JSON object and no error in disguise.

    Raises:
        UpstreamError: it is neither (code `upstream_protocol`).
        WireFault: it is an error object under status 200.
    """
    try:
        error = _FIELDS.decode(body).get("error")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _unreadable() from None
    if error is not None and bytes(error) != _NULL:
        raise WireFault(dialect.decode_fault(200, body))


def _read_reply(dialect: UpstreamDialect, body: bytes) -> Reply:
    try:
        return dialect.decode_reply(_OBJECT.decode(body))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise _unreadable() from None


class Codec(Protocol):
    """How one client request is said to one target, and how the target's answer is given back."""

    dialect: UpstreamDialect
    """The upstream's language."""
    restorer: Restorer | None
    """Set when something was masked in the request."""
    watch: Watch | None
    """Set when a policy wants answers judged."""

    def restore(self, answer: bytes) -> bytes:
        """A whole answer with the client's own values in it again."""
        ...

    def restore_events(self, stream: bytes) -> bytes:
        """The same of an answer as a stream."""
        ...

    def encode_request(self, target: Target) -> UpstreamRequest: ...

    def decode_answer(self, body: bytes, attempt: AttemptLog) -> bytes:
        """A whole answer for the client; what metering needs goes into `attempt`."""
        ...

    def new_relay(self) -> Relay: ...

    def encode_events(self, body: bytes) -> bytes:
        """A whole answer as the stream the client asked for, from an upstream that does not stream."""
        ...


def _note(attempt: AttemptLog, summary: Summary) -> None:
    attempt.answer_id = summary.id
    attempt.usage = summary.usage
    attempt.finish_reason = summary.finish
    attempt.output_chars = summary.output_chars


class _Spoken:
    """What the codecs share: the request as it came, and undoing what was masked in it."""

    restorer: Restorer | None = None
    watch: Watch | None = None

    def __init__(
        self, endpoint: Endpoint, dialect: UpstreamDialect, envelope: Envelope, headers: dict[bytes, bytes]
    ) -> None:
        self.dialect = dialect
        self._endpoint = endpoint
        self._envelope = envelope
        self._headers = headers

    def restore(self, answer: bytes) -> bytes:
        return answer if self.restorer is None else self.restorer.whole(answer)

    def restore_events(self, stream: bytes) -> bytes:
        return stream if self.restorer is None else self.restorer.feed(stream) + self.restorer.finish()

    def _tell_retention(self, target: Target, fields: MutableMapping[str, Any]) -> None:
        provider = target.upstream.provider
        tell_retention(provider.kind, provider.retention, self.dialect.name, fields)

    def _prepare(self, target: Target, body: bytes) -> UpstreamRequest:
        headers = self._headers
        passed = {n.decode(): headers[n].decode("latin-1") for n in _SAFE_CLIENT_HEADERS if n in headers}
        return target.upstream.provider.prepare(
            self.dialect.name,
            target.model,
            body,
            is_stream=self._envelope.is_stream,
            client_headers=passed,
        )


class SameLanguage(_Spoken):
    """Client and upstream speak alike: fields and frames pass as the bytes they are."""

    _hides_usage = False

    def encode_request(self, target: Target) -> UpstreamRequest:
        fields = dict(self._envelope.fields)
        self._hides_usage = cast("PassthroughDialect", self.dialect).patch_request(
            fields, target.model, may_ask_usage=target.upstream.provider.may_ask_usage
        )
        self._tell_retention(target, fields)
        return self._prepare(target, _encode(fields))

    def decode_answer(self, body: bytes, attempt: AttemptLog) -> bytes:
        read_object(self.dialect, body)
        _note(attempt, self.dialect.summarize(body))
        if self.watch is not None:
            self.watch.read(_read_reply(self.dialect, body))
        return body

    def new_relay(self) -> Relay:
        is_hidden = getattr(self.dialect, "is_usage_only", None) if self._hides_usage else None
        return Relay(self.dialect.new_decoder().decode, None, is_hidden, None, self.restorer, self.watch)

    def encode_events(self, body: bytes) -> bytes:
        request = self._endpoint.dialect.decode_request(_object(self._envelope))
        return _stream_reply(self._endpoint, request, _read_reply(self.dialect, body))


class Translated(_Spoken):
    """Client and upstream speak differently: everything goes through the neutral model."""

    def __init__(
        self,
        endpoint: Endpoint,
        dialect: UpstreamDialect,
        envelope: Envelope,
        headers: dict[bytes, bytes],
        *,
        id: str,
    ) -> None:
        super().__init__(endpoint, dialect, envelope, headers)
        self._id = id
        self._request = endpoint.dialect.decode_request(_object(envelope))

    def encode_request(self, target: Target) -> UpstreamRequest:
        said = self.dialect.encode_request(self._request, target.model)
        if not target.upstream.provider.may_ask_usage:
            said.pop("stream_options", None)
        self._tell_retention(target, said)
        return self._prepare(target, _encode(said))

    def _decode_reply(self, body: bytes) -> Reply:
        reply = _read_reply(self.dialect, body)
        self._complete(reply)
        return reply

    def _complete(self, told: Start | Reply) -> None:
        told.id = told.id or self._id
        told.model = told.model or self._envelope.model
        told.created = told.created or int(time.time())

    def decode_answer(self, body: bytes, attempt: AttemptLog) -> bytes:
        read_object(self.dialect, body)
        _note(attempt, self.dialect.summarize(body))
        reply = self._decode_reply(body)
        if self.watch is not None:
            self.watch.read(reply)
        return _encode(self._endpoint.dialect.encode_reply(reply, self._request))

    def new_relay(self) -> Relay:
        encoder = self._endpoint.dialect.new_encoder(self._request)
        return Relay(
            self.dialect.new_decoder().decode, encoder, None, self._complete, self.restorer, self.watch
        )

    def encode_events(self, body: bytes) -> bytes:
        return _stream_reply(self._endpoint, self._request, self._decode_reply(body))


class Embeddings(_Spoken):
    """Embeddings: never a stream, and each provider converts its own."""

    def encode_request(self, target: Target) -> UpstreamRequest:
        provider = target.upstream.provider
        body = provider.encode_embeddings(_encode(self._envelope.fields), target.model)
        request = provider.prepare_embeddings(target.model, body)
        if request is None:
            raise _unsupported("embeddings", target)
        wanted = self._envelope.fields.get("encoding_format", b"")
        self._decode = partial(provider.decode_embeddings, is_base64=bytes(wanted) == _BASE64)
        self._model = target.model
        return request

    def decode_answer(self, body: bytes, attempt: AttemptLog) -> bytes:
        read_object(self.dialect, body)
        try:
            answer = self._decode(body, self._model)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise _unreadable() from None
        _note(attempt, summarize_embeddings(answer))
        return answer

    def new_relay(self) -> Relay:
        raise BadRequest("Embeddings cannot be streamed.", code="invalid_value", param="stream")

    def encode_events(self, body: bytes) -> bytes:
        del body
        raise BadRequest("Embeddings cannot be streamed.", code="invalid_value", param="stream")


def _object(envelope: Envelope) -> Json:
    try:
        return _OBJECT.decode(_encode(envelope.fields))
    except msgspec.DecodeError as error:  # what a raw field may hold and no language can say: 1e999
        message = f"The body holds a value that cannot be read: {error}."
        raise BadRequest(message, code="invalid_value") from None


def _unsupported(what: str, target: Target) -> BadRequest:
    return BadRequest(
        f"The provider behind this model ({target.upstream.provider.name}) does not offer {what}. "
        "Ask for another model.",
        code="unsupported_endpoint",
        param="model",
    )


def choose_codec(
    endpoint: Endpoint, envelope: Envelope, headers: dict[bytes, bytes], target: Target, *, id: str
) -> Codec:
    """The codec between a client request, `id`, and a target.

    Raises:
        BadRequest: the target cannot serve this endpoint, or the request cannot be said in its language.
    """
    if endpoint.name == "embeddings":
        return Embeddings(endpoint, cast("UpstreamDialect", endpoint.dialect), envelope, headers)
    dialect = target.upstream.provider.find_dialect(endpoint.name)
    if dialect is None:
        raise _unsupported(endpoint.name, target)
    if dialect.name == endpoint.name:
        return SameLanguage(endpoint, dialect, envelope, headers)
    return Translated(endpoint, dialect, envelope, headers, id=id)


def _stream_reply(endpoint: Endpoint, request: Request, reply: Reply) -> bytes:
    encode = endpoint.dialect.new_encoder(request).encode
    return b"".join(map(encode, _events(reply)))


def _events(reply: Reply) -> Iterable[Event]:
    yield Start(id=reply.id, model=reply.model, created=reply.created)
    for choice in reply.choices:
        yield from _choice_events(choice)
    yield Metered(usage=reply.usage)
    yield End()


def _choice_events(choice: Choice) -> Iterable[Event]:
    index, slot = choice.index, 0
    for part in choice.parts:
        match part:
            case Text(text=text):
                yield TextDelta(index=index, text=text, logprobs=choice.logprobs)
            case Thinking(text=text, signature=signature, redacted=redacted):
                yield ThinkingDelta(index=index, text=text, signature=signature, redacted=redacted)
            case Refusal(text=text):
                yield RefusalDelta(index=index, text=text)
            case ToolUse(id=id, name=name, arguments=arguments, signature=signature):
                yield ToolStart(index=index, slot=slot, id=id, name=name, signature=signature)
                yield ToolDelta(index=index, slot=slot, arguments=arguments)
                slot += 1
            case _:
                yield Ping()
    yield Finish(index=index, reason=choice.finish or "stop", stop_sequence=choice.stop_sequence)
