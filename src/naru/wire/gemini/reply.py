"""A whole `generateContent` answer, and what of it a stream's chunks share."""

from __future__ import annotations

from naru.kernel.tokens import Usage
from naru.wire.faults import NAMELESS, find_object, plain_fault
from naru.wire.gemini.parts import read_parts
from naru.wire.gemini.usage import read_usage
from naru.wire.loose import count_of, find_json, list_of, object_of, text_of
from naru.wire.model import (
    Choice,
    FinishReason,
    Json,
    Reply,
    Summary,
    ToolUse,
    UpstreamFault,
)
from naru.wire.turns import output_chars

_FILTERED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "MODEL_ARMOR",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    }
)
_UNFINISHED = (None, "", "FINISH_REASON_UNSPECIFIED")


def read_finish(reason: object, *, has_tools: bool) -> FinishReason | None:
    """Gemini says STOP after calls too. A malformed call reads as an ordinary stop: nothing can be called."""
    name = text_of(reason)
    if name in _UNFINISHED:
        return None
    if name == "MAX_TOKENS":
        return "length"
    if name in _FILTERED:
        return "content_filter"
    return "tool_calls" if has_tools else "stop"


def is_blocked(body: Json) -> bool:
    """Whether the prompt itself was refused: then there is no candidate at all."""
    return text_of(object_of(body.get("promptFeedback")).get("blockReason")) not in (
        None,
        "",
        "BLOCK_REASON_UNSPECIFIED",
    )


def read_logprobs(result: object) -> Json | None:
    """`logprobsResult` in OpenAI's shape; None when there is none."""
    fields = object_of(result)
    chosen, tops = list_of(fields.get("chosenCandidates")), list_of(fields.get("topCandidates"))
    if not chosen:
        return None
    content: list[Json] = []
    for place, item in enumerate(chosen):
        top = list_of(object_of(tops[place]).get("candidates")) if place < len(tops) else []
        entry = _read_logprob(object_of(item))
        content.append({**entry, "top_logprobs": [_read_logprob(object_of(other)) for other in top]})
    return {"content": content, "refusal": None}


def _read_logprob(item: Json) -> Json:
    token, logprob = text_of(item.get("token")) or "", item.get("logProbability")
    is_number = isinstance(logprob, int | float) and not isinstance(logprob, bool)
    return {"token": token, "logprob": logprob if is_number else 0.0, "bytes": list(token.encode())}


def _candidates(body: Json) -> list[Json]:
    return [item for item in list_of(body.get("candidates")) if isinstance(item, dict)]


def decode_reply(body: Json) -> Reply:
    """Lenient: what cannot be read is left out."""
    id = text_of(body.get("responseId")) or ""
    choices: list[Choice] = []
    for place, candidate in enumerate(_candidates(body)):
        index = count_of(candidate.get("index"))
        index = place if index is None else index
        parts = read_parts(candidate.get("content"), reply_id=id, index=index)
        has_tools = any(isinstance(part, ToolUse) for part in parts)
        choices.append(
            Choice(
                index=index,
                parts=parts,
                finish=read_finish(candidate.get("finishReason"), has_tools=has_tools),
                logprobs=read_logprobs(candidate.get("logprobsResult")),
            )
        )
    if not choices and is_blocked(body):
        choices.append(Choice(index=0, parts=[], finish="content_filter"))
    return Reply(
        id=id,
        model=text_of(body.get("modelVersion")) or "",
        created=0,
        choices=choices,
        usage=read_usage(body.get("usageMetadata")) or Usage(),
    )


def summarize(body: bytes) -> Summary:
    """Never raises."""
    value = find_json(body)
    if not isinstance(value, dict):
        return Summary(id=None, model=None, usage=None, finish=None, output_chars=0)
    reply = decode_reply(value)
    return Summary(
        id=reply.id or None,
        model=reply.model or None,
        usage=read_usage(value.get("usageMetadata")),
        finish=reply.choices[0].finish if reply.choices else None,
        output_chars=sum(output_chars(choice.parts) for choice in reply.choices),
    )


def read_error(event: Json, status: int | None) -> UpstreamFault:
    """Google's error object: `code` is the HTTP status, `status` the name of the fault."""
    if status is not None and status < 400:
        status = None  # an error under 200 says its status itself
    error = object_of(event.get("error"))
    code = count_of(error.get("code"))
    name = text_of(error.get("status"))
    return UpstreamFault(
        message=text_of(error.get("message")) or text_of(event.get("error")) or NAMELESS,
        type=name,
        code=_find_reason(error) or name,
        status=status if status is not None else code if code is not None and 400 <= code < 600 else None,
    )


def _find_reason(error: Json) -> str | None:
    for detail in list_of(error.get("details")):
        reason = text_of(object_of(detail).get("reason"))
        if reason is not None:
            return reason
    return None


def decode_fault(status: int, body: bytes) -> UpstreamFault:
    """The error an upstream answered with; copes with HTML, plain text and nothing at all."""
    value = find_object(body)
    return plain_fault(status, body) if value is None else read_error(value, status)
