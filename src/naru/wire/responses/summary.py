"""What metering needs of a whole Response that passes through untouched."""

from __future__ import annotations

from typing import Any

import msgspec

from naru.wire.chat.usage import read_usage
from naru.wire.model import Json, Summary
from naru.wire.repair import decode_repaired
from naru.wire.responses.reasoning import read_shown
from naru.wire.responses.reply import read_finish


class _Body(msgspec.Struct):
    id: Any = None
    model: Any = None
    status: Any = None
    output: Any = None
    usage: Any = None
    service_tier: Any = None
    incomplete_details: Any = None


_decode_body = msgspec.json.Decoder(_Body).decode


def summarize(body: bytes) -> Summary:
    """Never raises; unreadable parts are None."""
    try:
        parsed = decode_repaired(_decode_body, body)
    except msgspec.DecodeError:
        return Summary(id=None, model=None, usage=None, finish=None, output_chars=0)
    items = [item for item in parsed.output if isinstance(item, dict)] if type(parsed.output) is list else []
    finish = None
    if parsed.status in ("completed", "incomplete"):
        ending: Json = {"status": parsed.status, "incomplete_details": parsed.incomplete_details}
        has_calls = any(item.get("type") == "function_call" for item in items)
        finish = read_finish(ending, has_calls=has_calls, has_refused=False)
    return Summary(
        id=parsed.id if type(parsed.id) is str else None,
        model=parsed.model if type(parsed.model) is str else None,
        usage=read_usage(parsed.usage, parsed.service_tier),
        finish=finish,
        output_chars=sum(map(_count_chars, items)),
    )


def _count_chars(item: Json) -> int:
    if item.get("type") == "reasoning":
        return len(read_shown(item))
    arguments = item.get("arguments")
    chars = len(arguments) if isinstance(arguments, str) else 0
    content = item.get("content")
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict):
            text = part.get("text") or part.get("refusal")
            chars += len(text) if isinstance(text, str) else 0
    return chars
