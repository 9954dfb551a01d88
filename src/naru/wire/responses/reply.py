"""The Response object: read from an upstream, and written whole as the official SDK wants it."""

from __future__ import annotations

from naru.kernel.errors import UpstreamError
from naru.kernel.tokens import Usage
from naru.wire.chat.errors import read_fault
from naru.wire.chat.reply import bare_id, make_id, read_arguments, read_int
from naru.wire.chat.usage import is_known, read_usage
from naru.wire.model import (
    Choice,
    FinishReason,
    Json,
    Part,
    Refusal,
    Reply,
    Request,
    Text,
    Thinking,
    ToolUse,
    Unknown,
)
from naru.wire.responses.content import DIALECT, read_annotations, write_annotations
from naru.wire.responses.reasoning import read_reasoning, write_reasoning
from naru.wire.responses.request import ResponsesRequest


def decode_reply(body: Json) -> Reply:
    """Raises UpstreamError when the response failed or there is no answer in `body`."""
    if body.get("status") == "failed" or body.get("error"):
        raise UpstreamError(read_fault(body.get("error"), None).message)
    items = body.get("output")
    if not isinstance(items, list):
        raise UpstreamError("The upstream's answer has no output.", code="upstream_protocol")
    parts: list[Part] = []
    logprobs: list[object] = []
    for item in items:
        if isinstance(item, dict):
            _read_item(item, parts, logprobs)
    reply_id, model = body.get("id"), body.get("model")
    choice = Choice(
        index=0,
        parts=parts,
        finish=read_finish(
            body,
            has_calls=any(isinstance(part, ToolUse) for part in parts),
            has_refused=any(isinstance(part, Refusal) for part in parts),
        ),
        logprobs={"content": logprobs} if logprobs else None,
    )
    return Reply(
        id=reply_id if isinstance(reply_id, str) else "",
        model=model if isinstance(model, str) else "",
        created=read_int(body.get("created_at")),
        choices=[choice],
        usage=read_usage(body.get("usage"), body.get("service_tier")) or Usage(),
    )


def read_finish(response: Json, *, has_calls: bool, has_refused: bool) -> FinishReason:
    """Why a response ended, from its status and what it holds."""
    if response.get("status") == "incomplete":
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return "content_filter" if reason == "content_filter" else "length"
    if has_calls:
        return "tool_calls"
    return "refusal" if has_refused else "stop"


def _read_item(item: Json, parts: list[Part], logprobs: list[object]) -> None:
    kind = item.get("type")
    if kind == "message":
        content = item.get("content")
        for part in content if isinstance(content, list) else []:
            if isinstance(part, dict):
                _read_part(part, parts, logprobs)
    elif kind == "function_call":
        parts.append(read_call(item))
    elif kind == "reasoning":
        parts.append(read_reasoning(item))
    else:
        parts.append(Unknown(dialect=DIALECT, raw=item))


def _read_part(part: Json, parts: list[Part], logprobs: list[object]) -> None:
    text, refusal, rows = part.get("text"), part.get("refusal"), part.get("logprobs")
    if part.get("type") == "output_text" and isinstance(text, str):
        parts.append(Text(text=text, citations=read_annotations(part.get("annotations"))))
        if isinstance(rows, list):
            logprobs.extend(rows)
    elif part.get("type") == "refusal" and isinstance(refusal, str):
        parts.append(Refusal(text=refusal))


def read_call(item: Json) -> ToolUse:
    """A function call item; its `call_id` is what a result must name."""
    call_id, name = item.get("call_id") or item.get("id"), item.get("name")
    return ToolUse(
        id=call_id if isinstance(call_id, str) else "",
        name=name if isinstance(name, str) else "",
        arguments=read_arguments(item.get("arguments")),
    )


# --- writing ---------------------------------------------------------------------------------------


def write_response(
    request: Request, *, id: str, model: str, created: int, status: str, output: list[Json]
) -> Json:
    """A Response with all its settings; `usage` and the reason of an incomplete one are set by the caller."""
    echo = request.echo if isinstance(request, ResponsesRequest) else {}
    tools = echo.get("tools")
    text = echo.get("text")
    response: Json = {
        "id": make_id(id, "resp_"),
        "object": "response",
        "created_at": created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": model or request.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": None,
        "tool_choice": "auto",
        "top_p": None,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        "metadata": {},
        **echo,
        "text": {"format": {"type": "text"}, **text}
        if isinstance(text, dict)
        else {"format": {"type": "text"}},
        "tools": [_complete_tool(tool) for tool in tools] if isinstance(tools, list) else [],
    }
    return response


def _complete_tool(tool: object) -> object:
    """The SDK wants these two of a function even when the client left them out."""
    if isinstance(tool, dict) and tool.get("type") == "function":
        return {"parameters": None, "strict": None, **tool}
    return tool


def close_response(response: Json, finish: FinishReason, *, has_refused: bool) -> None:
    """Write the final status: only what was cut short or held back is incomplete."""
    reason = None
    if finish == "length":
        reason = "max_output_tokens"
    elif finish == "content_filter" or (finish == "refusal" and not has_refused):
        reason = "content_filter"
    response["status"] = "incomplete" if reason else "completed"
    response["incomplete_details"] = {"reason": reason} if reason else None


def write_usage(usage: Usage) -> Json | None:
    """The usage object of this language, None when nothing is known."""
    if not is_known(usage):
        return None
    written = (usage.cache_write_5m_tokens or 0) + (usage.cache_write_1h_tokens or 0)
    return {
        "input_tokens": usage.total_input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens or 0,
            "cache_write_tokens": written,
        },
        "output_tokens": usage.total_output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": usage.total_input_tokens + usage.total_output_tokens,
    }


def write_tier(response: Json, usage: Usage) -> None:
    """The tier that was served, where it is one this language knows."""
    if usage.service_tier in ("auto", "default", "flex", "scale", "priority"):
        response["service_tier"] = usage.service_tier


def item_base(reply_id: str) -> str:
    """What the ids of a reply's items are made of: the reply's own id without its prefix."""
    return bare_id(reply_id).replace("-", "_")


def write_text(text: str, logprobs: list[object], annotations: list[Json] | None = None) -> Json:
    """An `output_text` part."""
    return {
        "type": "output_text",
        "text": text,
        "annotations": annotations or [],
        "logprobs": logprobs,
    }


def write_message(item_id: str, status: str, content: list[Json]) -> Json:
    """A `message` item."""
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": content}


def write_call(item_id: str, status: str, use: ToolUse) -> Json:
    """A `function_call` item."""
    return {
        "id": item_id,
        "type": "function_call",
        "status": status,
        "call_id": use.id,
        "name": use.name,
        "arguments": use.arguments or ("{}" if status == "completed" else ""),
    }


def encode_reply(reply: Reply, request: Request) -> Json:
    """A whole Response. This language has one answer: the first choice."""
    choice = reply.choices[0] if reply.choices else Choice(index=0, parts=[], finish="stop")
    finish = choice.finish or "stop"
    response = write_response(
        request,
        id=reply.id,
        model=reply.model,
        created=reply.created,
        status="completed",
        output=_write_output(choice, item_base(reply.id)),
    )
    close_response(response, finish, has_refused=any(isinstance(p, Refusal) for p in choice.parts))
    if response["status"] == "incomplete" and isinstance(response["output"], list) and response["output"]:
        last = response["output"][-1]
        if "status" in last:
            last["status"] = "incomplete"
    response["usage"] = write_usage(reply.usage)
    write_tier(response, reply.usage)
    return response


def _write_output(choice: Choice, base: str) -> list[Json]:
    output: list[Json] = []
    logprobs = choice.logprobs.get("content") if choice.logprobs is not None else None
    rows = list(logprobs) if isinstance(logprobs, list) else []
    for part in choice.parts:
        number = len(output)
        if isinstance(part, Text | Refusal):
            if isinstance(part, Text):
                content, rows = write_text(part.text, rows, write_annotations(part)), []
            else:
                content = {"type": "refusal", "refusal": part.text}
            last = output[-1] if output else None
            if last is not None and last["type"] == "message" and isinstance(last["content"], list):
                last["content"].append(content)
            else:
                output.append(write_message(f"msg_{base}_{number}", "completed", [content]))
        elif isinstance(part, ToolUse):
            output.append(write_call(f"fc_{base}_{number}", "completed", part))
        elif isinstance(part, Thinking):
            output.append(write_reasoning(part, f"rs_{base}_{number}"))
        elif isinstance(part, Unknown) and part.dialect == DIALECT:
            output.append(part.raw)
    return output
