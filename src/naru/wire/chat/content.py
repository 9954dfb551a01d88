"""Content parts of chat messages: what stands in `content`, in both directions."""

from __future__ import annotations

from naru.kernel.errors import BadRequest
from naru.wire.fields import Fields
from naru.wire.model import Audio, File, Image, Json, Part, Refusal, Text, Unknown

DIALECT = "chat"


def read_content(value: object, path: str) -> list[Part]:
    """`content` as a string, an array of parts, or nothing."""
    if value is None:
        return []
    if isinstance(value, str):
        return [Text(text=value)]
    if not isinstance(value, list):
        raise BadRequest(f"{path} must be a string or an array of content parts.", param=path)
    return [_read_part(item, f"{path}.{i}") for i, item in enumerate(value)]


def _read_part(item: object, path: str) -> Part:
    if isinstance(item, str):
        return Text(text=item)
    fields = Fields(item, path)
    kind = fields.required_string("type")
    if kind == "text":
        return Text(text=fields.required_string("text"), cache_control=fields.mapping("cache_control"))
    if kind == "refusal":
        return Refusal(text=fields.required_string("refusal"))
    if kind == "image_url":
        return _read_image(fields)
    if kind == "input_audio":
        audio = Fields(fields.take("input_audio"), f"{path}.input_audio")
        return Audio(data=audio.required_string("data"), format=audio.required_string("format"))
    if kind == "file":
        return _read_file(Fields(fields.take("file"), f"{path}.file"))
    assert isinstance(item, dict)
    return Unknown(dialect=DIALECT, raw=item)


def _read_image(fields: Fields) -> Image:
    cache_control = fields.mapping("cache_control")
    value = fields.take("image_url")
    if isinstance(value, str):  # some clients leave the object out
        value = {"url": value}
    image = Fields(value, fields.at("image_url"))
    detail = image.string("detail")
    url = image.required_string("url")
    if not url.startswith("data:"):
        return Image(url=url, detail=detail, cache_control=cache_control)
    media_type, data = split_data_url(url, image.at("url"))
    return Image(data=data, media_type=media_type, detail=detail, cache_control=cache_control)


def _read_file(file: Fields) -> File:
    data, file_id = file.string("file_data"), file.string("file_id")
    if data is None and file_id is None:
        raise file.missing("file_data")
    filename = file.string("filename")
    if data is None:
        return File(file_id=file_id, filename=filename)
    media_type = None
    if data.startswith("data:"):
        media_type, data = split_data_url(data, file.at("file_data"))
    return File(data=data, file_id=file_id, media_type=media_type, filename=filename)


def split_data_url(url: str, path: str) -> tuple[str, str]:
    """Media type and base64 text of a `data:` address."""
    head, comma, data = url.partition(",")
    media_type, _, encoding = head.removeprefix("data:").partition(";")
    if not comma or "base64" not in encoding:
        raise BadRequest(f"{path} must be a data URL in base64: data:TYPE;base64,DATA.", param=path)
    return media_type or "application/octet-stream", data


def write_content(parts: list[Part], path: str) -> str | list[Json] | None:
    """A plain string for a lone text, which every server takes; else an array of parts; None for nothing."""
    if not parts:
        return None
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_write_part(part, path) for part in parts]


def _write_part(part: Part, path: str) -> Json:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        image: Json = {"url": image_address(part)}
        if part.detail is not None:
            image["detail"] = part.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(part, Audio):
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
    if isinstance(part, File):
        return {"type": "file", "file": _write_file(part, path)}
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, Unknown) and part.dialect == DIALECT:
        return part.raw
    raise BadRequest(
        "This request holds a kind of content that the chat language cannot carry; "
        "use a model whose provider speaks the request's own language.",
        param=path,
        code="unsupported_content",
    )


def _write_file(part: File, path: str) -> Json:
    if part.data is None and part.file_id is None:
        raise BadRequest(
            "The chat language takes a file as base64 data or as an id, not by address.",
            param=path,
            code="unsupported_content",
        )
    file: Json = {}
    if part.data is not None:
        file["file_data"] = f"data:{part.media_type};base64,{part.data}" if part.media_type else part.data
    if part.file_id is not None:
        file["file_id"] = part.file_id
    if part.filename is not None:
        file["filename"] = part.filename
    elif part.data is not None:
        file["filename"] = "file.pdf" if part.media_type == "application/pdf" else "file"
    return file


def image_address(image: Image) -> str:
    """The image's own address, or its data as a `data:` address."""
    if image.url is not None:
        return image.url
    return f"data:{image.media_type or 'image/png'};base64,{image.data or ''}"
