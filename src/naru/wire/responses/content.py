"""Content parts of Responses messages and tool outputs, in both directions."""

from __future__ import annotations

from naru.kernel.errors import BadRequest
from naru.wire.chat.citations import write_citations
from naru.wire.chat.content import image_address, split_data_url
from naru.wire.fields import Fields
from naru.wire.model import Audio, File, Image, Json, Part, Refusal, Text, Unknown

DIALECT = "responses"


def read_content(value: object, path: str) -> list[Part]:
    """`content` or `output` as a string or an array of parts."""
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(text=value)]
    if not isinstance(value, list):
        raise BadRequest(f"{path} must be a string or an array of content parts.", param=path)
    return [_read_part(item, f"{path}.{i}") for i, item in enumerate(value)]


def _read_part(item: object, path: str) -> Part:
    fields = Fields(item, path)
    kind = fields.required_string("type")
    if kind in ("input_text", "output_text", "text"):
        return Text(text=fields.required_string("text"))
    if kind == "refusal":
        return Refusal(text=fields.required_string("refusal"))
    if kind == "input_image":
        return _read_image(fields, item)
    if kind == "input_file":
        return _read_file(fields)
    if kind == "input_audio":
        audio = Fields(fields.take("input_audio"), f"{path}.input_audio")
        return Audio(data=audio.required_string("data"), format=audio.required_string("format"))
    assert isinstance(item, dict)
    return Unknown(dialect=DIALECT, raw=item)


def _read_image(fields: Fields, item: object) -> Part:
    url, detail = fields.string("image_url"), fields.string("detail")
    if url is None:
        if fields.string("file_id") is None:
            raise fields.missing("image_url")
        assert isinstance(item, dict)
        return Unknown(dialect=DIALECT, raw=item)
    if not url.startswith("data:"):
        return Image(url=url, detail=detail)
    media_type, data = split_data_url(url, fields.at("image_url"))
    return Image(data=data, media_type=media_type, detail=detail)


def _read_file(fields: Fields) -> File:
    data, url, file_id = fields.string("file_data"), fields.string("file_url"), fields.string("file_id")
    if data is None and url is None and file_id is None:
        raise fields.missing("file_data")
    media_type = None
    if data is not None and data.startswith("data:"):
        media_type, data = split_data_url(data, fields.at("file_data"))
    return File(
        data=data, url=url, file_id=file_id, media_type=media_type, filename=fields.string("filename")
    )


def write_input(parts: list[Part], path: str) -> str | list[Json]:
    """Content of a user or system message, or of a call's output."""
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_write_part(part, path) for part in parts]


def _write_part(part: Part, path: str) -> Json:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, Image):
        return {"type": "input_image", "image_url": image_address(part), "detail": part.detail or "auto"}
    if isinstance(part, File):
        return _write_file(part)
    if isinstance(part, Unknown) and part.dialect == DIALECT:
        return part.raw
    raise BadRequest(
        "This request holds a kind of content that the Responses language cannot carry; "
        "use a model whose provider speaks the request's own language.",
        param=path,
        code="unsupported_content",
    )


def _write_file(part: File) -> Json:
    file: Json = {"type": "input_file"}
    if part.data is not None:
        media_type = part.media_type or "application/octet-stream"
        file["file_data"] = f"data:{media_type};base64,{part.data}"
        file["filename"] = part.filename or ("file.pdf" if media_type == "application/pdf" else "file")
    elif part.file_id is not None:
        file["file_id"] = part.file_id
    else:
        file["file_url"] = part.url
    return file


def read_annotations(value: object) -> list[Json] | None:
    """Annotations of an output text, web citations in the shape the model holds them (chat's)."""
    if not isinstance(value, list) or not value:
        return None
    citations: list[Json] = []
    for item in value:
        if isinstance(item, dict) and item.get("type") == "url_citation":
            nested = {key: inner for key, inner in item.items() if key != "type"}
            citations.append({"type": "url_citation", "url_citation": nested})
        elif isinstance(item, dict):
            citations.append(item)
    return citations


def write_annotations(text: Text) -> list[Json]:
    """The citations of a text that have a shape in this language."""
    written: list[Json] = []
    for citation in write_citations(text, 0):
        nested = citation["url_citation"]
        assert isinstance(nested, dict)
        written.append({"type": "url_citation", **nested})
    files = ("file_citation", "container_file_citation", "file_path")
    return written + [citation for citation in text.citations or [] if citation.get("type") in files]
