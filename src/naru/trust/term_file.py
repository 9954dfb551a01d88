"""Reads the terms of a dictionary from a text file."""

from __future__ import annotations

from naru.kernel.errors import BadRequest


def read_terms(data: bytes) -> list[str]:
    """The terms of a text file, one a line, empty lines left out.

    Raises:
        BadRequest: a line is not UTF-8 (code `invalid_terms`); it is named by its number.
    """
    terms: list[str] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = line.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise BadRequest(
                f"Line {number} is not UTF-8. Save the file as UTF-8 text, one term a line.",
                code="invalid_terms",
                param=f"line {number}",
            ) from None
        if text:
            terms.append(text)
    return terms
