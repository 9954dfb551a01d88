"""Files inside a request that are text all the same: a table or a page in base64, read and written again.

Everything else in base64 stays as it came. What a `data:` address says beside its type, a file's name say, is
nobody's business and is left out.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, NamedTuple

_ADDRESS = re.compile(r"data:(?P<media>[^;,]{0,127})(?P<said>[^,]{0,256});base64,", re.IGNORECASE)
_PLAIN = re.compile(r"(?:;charset=[\w.\-]{1,40})?", re.ASCII | re.IGNORECASE)
_TEXT_MEDIA = re.compile(
    r"text/.*|application/(?:json|jsonl|ndjson|x-ndjson|xml|yaml|x-yaml|csv|javascript|sql|rtf)|.*\+(?:json|xml)",
    re.IGNORECASE,
)
_TEXT_NAME = re.compile(
    r".*\.(?:txt|csv|tsv|json|jsonl|xml|html?|md|ya?ml|log|eml|vcf|ics|srt|sql|svg|rtf)", re.DOTALL
)
_ENCODINGS = ("utf-8", "cp949")
"""Korean spreadsheets write the second."""
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class TextFile(NamedTuple):
    """A file of text.

    Attributes:
        head: what stands before its base64.
        encoding: in which it was written.
    """

    head: str
    text: str
    encoding: str

    def written(self, text: str) -> str:
        """The field's value with `text` in it; what the file's encoding cannot say makes it UTF-8."""
        try:
            data = text.encode(self.encoding)
        except UnicodeEncodeError:
            data = text.encode()
        return self.head + base64.b64encode(data).decode()


def clean_address(value: str) -> str:
    """A `data:` address without what it says beside type and charset."""
    found = _ADDRESS.match(value)
    if found is None or _PLAIN.fullmatch(found["said"]):
        return value
    return f"data:{found['media']};base64,{value[found.end() :]}"


def read_text_file(value: str, holder: dict[str, Any]) -> TextFile | None:
    """`value` of `holder`, if it is the base64 of a text."""
    found = _ADDRESS.match(value)
    head = value[: found.end()] if found is not None else ""
    media = found["media"] if found is not None else holder.get("media_type")
    name = holder.get("filename")
    is_text = isinstance(media, str) and _TEXT_MEDIA.fullmatch(media) is not None
    if not is_text and not (isinstance(name, str) and _TEXT_NAME.fullmatch(name.lower())):
        return None
    try:
        data = base64.b64decode("".join(value[len(head) :].split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    for encoding in ("utf-16",) if data[:2] in _UTF_16 else _ENCODINGS:
        try:
            return TextFile(clean_address(head), data.decode(encoding), encoding)
        except UnicodeDecodeError:
            continue
    return None
