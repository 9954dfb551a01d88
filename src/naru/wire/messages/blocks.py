"""Content blocks to parts and back."""

from __future__ import annotations

import base64

from naru.kernel.errors import BadRequest
from naru.wire.loose import compact, list_of, object_of, text_of
from naru.wire.media import find_media_type, find_text, split_data_url
from naru.wire.model import (
    File,
    Image,
    Json,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Unknown,
)
from naru.wire.turns import portable_id, read_arguments

NAME = "messages"
_CITATIONS = frozenset(
    {
        "char_location",
        "page_location",
        "content_block_location",
        "web_search_result_location",
        "search_result_location",
    }
)


# --- read ------------------------------------------------------------------------------------------


def read_content(content: object, where: str) -> list[Part]:
    """Parts of a message's `content`. Raises BadRequest naming the block at fault."""
    if isinstance(content, str):
        return [Text(text=content)]
    if not isinstance(content, list):
        raise BadRequest(f"`{where}` must be a string or a list of content blocks.", param=where)
    parts: list[Part] = []
    for number, block in enumerate(content):
        parts.extend(_read_block(block, f"{where}.{number}"))
    return parts


def _read_block(block: object, where: str) -> list[Part]:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise BadRequest(f"`{where}` must be an object with a `type`.", param=where)
    mark = _read_mark(block)
    match block["type"]:
        case "text":
            text = Text(text=_need_text(block, "text", where), cache_control=mark)
            text.citations = [object_of(item) for item in list_of(block.get("citations"))] or None
            return [text]
        case "thinking":
            thinking = Thinking(text=_need_text(block, "thinking", where))
            thinking.signature = text_of(block.get("signature")) or None
            return [thinking]
        case "redacted_thinking":
            return [Thinking(redacted=_need_text(block, "data", where))]
        case "tool_use":
            return [read_tool_use(block, where)]
        case "tool_result":
            content = block.get("content")
            return [
                ToolResult(
                    id=_need_text(block, "tool_use_id", where),
                    parts=[] if content is None else read_content(content, f"{where}.content"),
                    is_error=block.get("is_error") is True,
                    cache_control=mark,
                )
            ]
        case "image" | "document" as kind:
            return _read_media(kind, block, mark, where)
    return [Unknown(dialect=NAME, raw=block)]


def read_tool_use(block: Json, where: str) -> ToolUse:
    """A `tool_use` block, its input as JSON text."""
    given = block.get("input", {})
    return ToolUse(
        id=_need_text(block, "id", where),
        name=_need_text(block, "name", where),
        arguments=given if isinstance(given, str) else compact(given),
        cache_control=_read_mark(block),
    )


def _read_media(kind: str, block: Json, mark: Json | None, where: str) -> list[Part]:
    source = object_of(block.get("source"))
    media_type = text_of(source.get("media_type"))
    title = text_of(block.get("title"))
    match source.get("type"):
        case "base64":
            data = _need_text(source, "data", f"{where}.source")
            if kind == "image":
                return [Image(data=data, media_type=media_type, cache_control=mark)]
            return [File(data=data, media_type=media_type, filename=title, cache_control=mark)]
        case "url":
            url = _need_text(source, "url", f"{where}.source")
            if kind == "image":
                return [Image(url=url, cache_control=mark)]
            return [File(url=url, filename=title, cache_control=mark)]
        case "file":
            # An uploaded image is a file to the model too: it keeps its kind in the media type.
            id = _need_text(source, "file_id", f"{where}.source")
            image_type = "image/*" if kind == "image" else None
            return [File(file_id=id, media_type=image_type, filename=title, cache_control=mark)]
        case "text":
            data = _need_text(source, "data", f"{where}.source")
            encoded = base64.b64encode(data.encode()).decode()
            return [File(data=encoded, media_type="text/plain", filename=title, cache_control=mark)]
        case "content":
            return read_content(source.get("content"), f"{where}.source.content")
    raise BadRequest(
        f"`{where}.source` must be an object whose `type` is base64, url, file, text or content.",
        param=f"{where}.source",
    )


def _read_mark(block: Json) -> Json | None:
    return object_of(block.get("cache_control")) or None


def _need_text(block: Json, key: str, where: str) -> str:
    value = block.get(key)
    if not isinstance(value, str):
        raise BadRequest(f"`{where}.{key}` must be a string.", param=f"{where}.{key}")
    return value


# --- write -----------------------------------------------------------------------------------------


def write_blocks(parts: list[Part], where: str) -> list[Json]:
    """Content blocks of a request. Raises BadRequest for a part that cannot be said."""
    return [block for part in parts for block in _write_part(part, where)]


def _write_part(part: Part, where: str) -> list[Json]:
    match part:
        case Text():
            return [_marked(write_text(part), part.cache_control)]
        case Refusal():
            return [{"type": "text", "text": part.text}]
        case Thinking():
            return _write_thinking(part)
        case ToolUse():
            block: Json = {"type": "tool_use", "id": portable_id(part.id), "name": part.name}
            block["input"] = read_arguments(part)
            return [_marked(block, part.cache_control)]
        case ToolResult():
            return [_write_result(part, where)]
        case Image():
            return [_marked({"type": "image", "source": _image_source(part)}, part.cache_control)]
        case File():
            return [_marked(_write_file(part, where), part.cache_control)]
        case Unknown() if part.dialect == NAME:
            return [part.raw]
    kind = "audio" if not isinstance(part, Unknown) else str(part.raw.get("type", "unknown"))
    raise BadRequest(
        f"A part of kind `{kind}` cannot be sent to this model's provider; leave it out or send it as text.",
        param=where,
    )


def write_text(part: Text) -> Json:
    """A text block. Citations in another language's shape stay out: Anthropic's types refuse them."""
    block: Json = {"type": "text", "text": part.text}
    citations = [item for item in part.citations or [] if item.get("type") in _CITATIONS]
    if citations:
        block["citations"] = citations
    return block


def _write_thinking(part: Thinking) -> list[Json]:
    if part.redacted is not None:
        return [{"type": "redacted_thinking", "data": part.redacted}]
    return [{"type": "thinking", "thinking": part.text, "signature": part.signature}]


def _write_result(part: ToolResult, where: str) -> Json:
    block: Json = {"type": "tool_result", "tool_use_id": portable_id(part.id)}
    content = write_blocks([p for p in part.parts if not (isinstance(p, Text) and not p.text)], where)
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        block["content"] = content[0]["text"]
    elif content:
        block["content"] = content
    if part.is_error:
        block["is_error"] = True
    return _marked(block, part.cache_control)


def _image_source(part: Image) -> Json:
    data, media_type = part.data, part.media_type
    if data is None and part.url is not None:
        split = split_data_url(part.url)
        if split is None:
            return {"type": "url", "url": part.url}
        media_type, data = split
    if media_type is None or not media_type.startswith("image/"):
        media_type = find_media_type(data=data) or "image/png"
    if media_type == "image/jpg":
        media_type = "image/jpeg"
    return {"type": "base64", "media_type": media_type, "data": data or ""}


def _write_file(part: File, where: str) -> Json:
    block: Json = {"type": "document"}
    data, media_type, url = part.data, part.media_type, part.url
    for address in (data, url):
        split = split_data_url(address) if address else None
        if split is not None:
            media_type, data = split
            url = None
    if part.file_id is not None:
        block["source"] = {"type": "file", "file_id": part.file_id}
        if media_type and media_type.startswith("image/"):
            return {"type": "image", "source": block["source"]}
    elif url is not None:
        block["source"] = {"type": "url", "url": url}
    else:
        media_type = media_type or find_media_type(data=data, name=part.filename) or "application/pdf"
        if media_type.startswith("image/"):
            return {"type": "image", "source": _image_source(Image(data=data, media_type=media_type))}
        text = find_text(data or "") if media_type.startswith("text/") else None
        if text is not None:
            block["source"] = {"type": "text", "media_type": "text/plain", "data": text}
        elif media_type == "application/pdf":
            block["source"] = {"type": "base64", "media_type": media_type, "data": data or ""}
        else:
            raise BadRequest(
                f"Documents of type {media_type} cannot be sent to this model's provider: send PDF or text.",
                param=where,
            )
    if part.filename:
        block["title"] = part.filename
    return block


def _marked(block: Json, mark: Json | None) -> Json:
    if mark is not None:
        block["cache_control"] = mark
    return block
