"""Parts to Converse's content blocks and back. Binary data stands as base64 in this JSON."""

from __future__ import annotations

import re

from naru.kernel.errors import BadRequest
from naru.wire.loose import compact, list_of, object_of, text_of
from naru.wire.media import find_media_type, split_data_url
from naru.wire.model import (
    Audio,
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

NAME = "converse"
_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9\-()\[\]]+")
_LONGEST_NAME = 200


# --- write -----------------------------------------------------------------------------------------


def write_blocks(parts: list[Part]) -> list[Json]:
    """Content blocks of a turn, each marked one with a cache point behind it. Raises BadRequest."""
    blocks: list[Json] = []
    for part in parts:
        blocks.extend(_write_part(part))
        blocks.extend(cache_point(getattr(part, "cache_control", None)))
    return blocks


def cache_point(mark: Json | None) -> list[Json]:
    """Bedrock marks the place behind what is to be cached with a block of its own."""
    if mark is None:
        return []
    point: Json = {"type": "default"}
    if mark.get("ttl") == "1h":
        point["ttl"] = "1h"
    return [{"cachePoint": point}]


def _write_part(part: Part) -> list[Json]:
    match part:
        case Text() | Refusal():
            return [{"text": part.text}] if part.text else []
        case Thinking():
            return _write_thinking(part)
        case ToolUse():
            call: Json = {"toolUseId": portable_id(part.id), "name": part.name}
            call["input"] = read_arguments(part)
            return [{"toolUse": call}]
        case ToolResult():
            return [_write_result(part)]
        case Image():
            return [_write_image(part)]
        case Audio():
            return [{"audio": {"format": part.format, "source": {"bytes": part.data}}}]
        case File():
            return [_write_document(part)]
        case Unknown() if part.dialect == NAME:
            return [part.raw]
    raise _unsayable("A part of the conversation")


def _unsayable(what: str) -> BadRequest:
    return BadRequest(
        f"{what} cannot be sent to this model's provider; send it as text or as base64.", param="messages"
    )


def _write_thinking(part: Thinking) -> list[Json]:
    if part.redacted is not None:
        return [{"reasoningContent": {"redactedContent": part.redacted}}]
    return [{"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}]


def _write_result(part: ToolResult) -> Json:
    content = [block for inner in part.parts for block in _write_part(inner)]
    result: Json = {"toolUseId": portable_id(part.id), "content": content or [{"text": "(nothing)"}]}
    if part.is_error:
        result["status"] = "error"
    return {"toolResult": result}


def _write_image(part: Image) -> Json:
    media_type, data = part.media_type, part.data
    split = split_data_url(part.url) if part.url else None
    if split is not None:
        media_type, data = split
    if data is None:
        raise _unsayable("An image given by its address")
    if media_type == "image/jpg":
        media_type = "image/jpeg"
    if media_type not in _IMAGES:
        media_type = find_media_type(data=data) or "image/png"
    return {"image": {"format": _IMAGES.get(media_type, "png"), "source": {"bytes": data}}}


def _write_document(part: File) -> Json:
    media_type, data = part.media_type, part.data
    for address in (part.data, part.url):
        split = split_data_url(address) if address else None
        if split is not None:
            media_type, data = split
    if data is None:
        raise _unsayable("A document given by its address or id")
    media_type = media_type or find_media_type(data=data, name=part.filename) or "application/pdf"
    if media_type in _IMAGES:
        return _write_image(Image(data=data, media_type=media_type))
    if media_type not in _DOCUMENTS:
        raise _unsayable(f"A document of type {media_type}")
    name = _NOT_IN_NAMES.sub(" ", part.filename or "document").strip()[:_LONGEST_NAME] or "document"
    return {"document": {"format": _DOCUMENTS[media_type], "name": name, "source": {"bytes": data}}}


# --- read ------------------------------------------------------------------------------------------


def read_blocks(content: object) -> list[Part]:
    """Parts of an answer. What cannot be read is left out."""
    return [part for block in list_of(content) if (part := _read_block(object_of(block))) is not None]


def _read_block(block: Json) -> Part | None:
    text, call = text_of(block.get("text")), object_of(block.get("toolUse"))
    reasoning = object_of(block.get("reasoningContent"))
    if text is not None:
        return Text(text=text)
    if call:
        return ToolUse(
            id=text_of(call.get("toolUseId")) or "",
            name=text_of(call.get("name")) or "",
            arguments=compact(call.get("input", {})),
        )
    if reasoning:
        redacted = text_of(reasoning.get("redactedContent"))
        if redacted is not None:
            return Thinking(redacted=redacted)
        words = object_of(reasoning.get("reasoningText"))
        signature = text_of(words.get("signature")) or None
        return Thinking(text=text_of(words.get("text")) or "", signature=signature)
    cited = object_of(block.get("citationsContent"))
    if cited:
        return Text(
            text="".join(text_of(object_of(c).get("text")) or "" for c in list_of(cited.get("content")))
        )
    return Unknown(dialect=NAME, raw=block) if block else None
