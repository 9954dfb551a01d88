"""Terms of a dictionary: what one may be, and how they are read from a text file."""

from __future__ import annotations

from collections.abc import Sequence

from naru.kernel.errors import BadRequest
from naru.trust.detect.custom import MAX_TERM_LENGTH
from naru.trust.detect.folding import fold


def read_terms(data: bytes) -> list[str]:
    """The terms of a text file, one a line, empty lines left out.

    Raises:
        BadRequest: a line is not UTF-8 or no term (code `invalid_terms`); it is named by its number.
    """
    terms: list[str] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            raise _refuse(
                f"Line {number} is not UTF-8. Save the file as UTF-8 text, one term a line.", f"line {number}"
            ) from None
        if text.strip():
            terms.append(_read_term(text, f"Line {number}", f"line {number}"))
    return terms


def clean_terms(terms: Sequence[str]) -> list[str]:
    """Terms as they are kept: each once, without blanks around it, wide signs in their plain form.

    Raises:
        BadRequest: one cannot be a term (code `invalid_terms`); it is named by its place.
    """
    plain = (_read_term(term, f"Term {at + 1}", f"terms.{at}") for at, term in enumerate(terms))
    return list(dict.fromkeys(plain))


def _read_term(text: str, what: str, param: str) -> str:
    term = fold(text.strip())[0].strip()
    # What a reader cannot see cannot be meant: NUL and half pairs would not even be stored everywhere.
    if not term or len(term) > MAX_TERM_LENGTH or not term.isprintable():
        raise _refuse(
            f"{what} is empty, longer than {MAX_TERM_LENGTH} signs, or holds signs that cannot be printed.",
            param,
        )
    return term


def _refuse(message: str, param: str) -> BadRequest:
    return BadRequest(message, code="invalid_terms", param=param)
