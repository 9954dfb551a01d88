"""A whole legacy completion, read from an upstream and written to a client."""

from __future__ import annotations

from naru.kernel.errors import UpstreamError
from naru.kernel.tokens import Usage
from naru.wire.chat.reply import make_id, read_finish, read_int
from naru.wire.chat.usage import is_known, read_usage, write_usage
from naru.wire.completions.logprobs import columns_from_rows, rows_from_columns
from naru.wire.completions.request import CompletionsRequest
from naru.wire.model import Choice, FinishReason, Json, Refusal, Reply, Request, Text


def decode_reply(body: Json) -> Reply:
    """Raises UpstreamError only when there is no answer in `body`."""
    items = body.get("choices")
    if not isinstance(items, list):
        raise UpstreamError("The upstream's answer has no choices.", code="upstream_protocol")
    reply_id, model = body.get("id"), body.get("model")
    return Reply(
        id=reply_id if isinstance(reply_id, str) else "",
        model=model if isinstance(model, str) else "",
        created=read_int(body.get("created")),
        choices=[_read_choice(item, i) for i, item in enumerate(items) if isinstance(item, dict)],
        usage=read_usage(body.get("usage"), body.get("service_tier")) or Usage(),
    )


def _read_choice(item: Json, position: int) -> Choice:
    text, index = item.get("text"), item.get("index")
    return Choice(
        index=index if isinstance(index, int) else position,
        parts=[Text(text=text)] if isinstance(text, str) and text else [],
        finish=read_finish(item.get("finish_reason"), has_calls=False, has_refused=False),
        logprobs=rows_from_columns(item.get("logprobs")),
    )


def write_legacy_finish(finish: FinishReason) -> str:
    """This language knows three ways to end."""
    if finish == "refusal":
        return "content_filter"
    return finish if finish in ("length", "content_filter") else "stop"


def encode_reply(reply: Reply, request: Request) -> Json:
    """A `text_completion` object. Reasoning and calls have no place in it and are left out."""
    echoed = request.echoed if isinstance(request, CompletionsRequest) else ""
    body: Json = {
        "id": make_id(reply.id, "cmpl-"),
        "object": "text_completion",
        "created": reply.created,
        "model": reply.model or request.model,
        "choices": [_write_choice(choice, echoed) for choice in reply.choices],
    }
    if is_known(reply.usage):
        body["usage"] = write_usage(reply.usage)
    return body


def _write_choice(choice: Choice, echoed: str) -> Json:
    return {
        "index": choice.index,
        "text": echoed + "".join(part.text for part in choice.parts if isinstance(part, Text | Refusal)),
        "logprobs": columns_from_rows(choice.logprobs, len(echoed)),
        "finish_reason": write_legacy_finish(choice.finish or "stop"),
    }
