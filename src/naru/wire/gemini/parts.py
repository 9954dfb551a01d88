"""Turns to Gemini's contents, and a candidate's parts back.

Gemini pairs a call and its result by name and order, not by id: ids are made up on the way to the client,
and on the way back names are looked up by id and results put into the order of their calls.
"""

from __future__ import annotations

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
from naru.wire.signatures import find_gemini, mark_gemini
from naru.wire.turns import Turn, read_arguments

NAME = "gemini"
# Google's documented stand-in for calls that another model made: Gemini 3 refuses a call without a signature.
_NO_SIGNATURE = "skip_thought_signature_validator"
_AUDIO_TYPES = {"mp3": "audio/mp3", "pcm16": "audio/l16"}


# --- write -----------------------------------------------------------------------------------------


def write_contents(turns: list[Turn], *, needs_signatures: bool) -> list[Json]:
    """Raises BadRequest for a part that cannot be said."""
    contents: list[Json] = []
    names: dict[str, str] = {}
    order: dict[str, int] = {}
    for turn in turns:
        if turn.role == "assistant":
            calls = [part for part in turn.parts if isinstance(part, ToolUse)]
            names.update({call.id: call.name for call in calls})
            order = {call.id: place for place, call in enumerate(calls)}
            parts = _write_model_parts(turn.parts, needs_signatures=needs_signatures)
        else:
            parts = _write_user_parts(turn.parts, names, order)
        if parts:
            contents.append({"role": "model" if turn.role == "assistant" else "user", "parts": parts})
    return contents


def _write_user_parts(parts: list[Part], names: dict[str, str], order: dict[str, int]) -> list[Json]:
    results = [part for part in parts if isinstance(part, ToolResult)]
    results.sort(key=lambda result: order.get(result.id, len(order)))
    written = [_write_result(result, names) for result in results]
    shown = [p for result in results for p in result.parts if not isinstance(p, Text | Refusal)]
    rest = [p for p in parts if not isinstance(p, ToolResult)]
    return written + [block for part in shown + rest for block in _write_part(part)]


def _write_result(result: ToolResult, names: dict[str, str]) -> Json:
    name = names.get(result.id) or result.name
    if name is None:
        raise BadRequest(
            "A tool result answers no call in this conversation: send the assistant's call before it.",
            param="messages",
        )
    text = "\n".join(part.text for part in result.parts if isinstance(part, Text | Refusal))
    response = {"error" if result.is_error else "output": text}
    return {"functionResponse": {"name": name, "response": response}}


def _write_model_parts(parts: list[Part], *, needs_signatures: bool) -> list[Json]:
    written: list[Json] = []
    is_first_call = True
    for part in parts:
        if isinstance(part, Thinking):
            _write_thinking(part, written)
            continue
        if not isinstance(part, ToolUse):
            written.extend(_write_part(part))
            continue
        call: Json = {"functionCall": {"name": part.name, "args": read_arguments(part)}}
        signature = find_gemini(part.signature)
        if signature is None and needs_signatures and is_first_call:
            signature = _NO_SIGNATURE  # of parallel calls only the first is signed
        if signature is not None:
            call["thoughtSignature"] = signature
        is_first_call = False
        written.append(call)
    return written


def _write_thinking(part: Thinking, written: list[Json]) -> None:
    """A bare signature belongs to the text before it."""
    signature = find_gemini(part.signature)
    if part.text:
        written.append({"text": part.text, "thought": True, "thoughtSignature": signature})
    elif written and written[-1].keys() == {"text"}:
        written[-1]["thoughtSignature"] = signature
    else:
        written.append({"text": "", "thoughtSignature": signature})


def _write_part(part: Part) -> list[Json]:
    match part:
        case Text() | Refusal():
            return [{"text": part.text}] if part.text else []
        case Thinking():
            return []
        case Image():
            return [_write_media(part.data, part.url, part.media_type, None, "image/png")]
        case Audio():
            media_type = _AUDIO_TYPES.get(part.format, f"audio/{part.format}")
            return [{"inlineData": {"mimeType": media_type, "data": part.data}}]
        case File():
            url = part.url if part.file_id is None else part.file_id
            return [_write_media(part.data, url, part.media_type, part.filename, "application/pdf")]
        case Unknown() if part.dialect == NAME:
            return [part.raw]
    raise BadRequest(
        "A part of the conversation cannot be sent to this model's provider; send it as text.",
        param="messages",
    )


def _write_media(
    data: str | None, url: str | None, media_type: str | None, name: str | None, fallback: str
) -> Json:
    for address in (data, url):
        split = split_data_url(address) if address else None
        if split is not None:
            media_type, data = split
            url = None
    if media_type is None or media_type.endswith("/*"):
        media_type = find_media_type(data=data, name=name or url)
    if url is not None:
        file: Json = {"fileUri": url}
        if media_type is not None:
            file["mimeType"] = media_type
        return {"fileData": file}
    return {"inlineData": {"mimeType": media_type or fallback, "data": data or ""}}


# --- read ------------------------------------------------------------------------------------------


def call_id(reply_id: str, index: int, slot: int) -> str:
    """A made-up id: the same for the same reply, and unlike that of any other call of the conversation."""
    place = f"{index}_{slot}" if index else str(slot)
    return f"call_{reply_id}_{place}"


def read_parts(content: object, *, reply_id: str, index: int, slot: int = 0) -> list[Part]:
    """Parts of a candidate's content; `slot` numbers the first call. What cannot be read is left out."""
    parts: list[Part] = []
    for item in list_of(object_of(content).get("parts")):
        part = object_of(item)
        signature = text_of(part.get("thoughtSignature")) or None
        if signature is not None:
            signature = mark_gemini(signature)
        call, text = part.get("functionCall"), text_of(part.get("text"))
        media = object_of(part.get("inlineData"))
        if isinstance(call, dict):
            id = text_of(call.get("id")) or call_id(reply_id, index, slot)
            slot += 1
            arguments = compact(object_of(call.get("args")))
            parts.append(
                ToolUse(id=id, name=text_of(call.get("name")) or "", arguments=arguments, signature=signature)
            )
        elif part.get("thought") is True:
            parts.append(Thinking(text=text or "", signature=signature))
        elif text is not None:
            if text:
                parts.append(Text(text=text))
            if signature is not None:
                parts.append(Thinking(signature=signature))
        elif media:
            data, media_type = text_of(media.get("data")) or "", text_of(media.get("mimeType"))
            parts.append(Image(data=data, media_type=media_type))
        elif part:
            parts.append(Unknown(dialect=NAME, raw=part))
    return parts
