"""Which language a page is written in, and its catalogue. The source language of the templates is English.

Catalogues are gettext `.po` files read as they are: there is no compile step to forget.
"""

from __future__ import annotations

import io
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final

from starlette.requests import Request

CATALOGUES: Final = Path(__file__).parent / "locale"
LANGUAGES: Final = {"ko": "한국어", "en": "English"}
DEFAULT: Final = "ko"
COOKIE: Final = "naru_language"


def find_language(request: Request) -> str:
    """What the reader chose, else what the browser prefers, else Korean."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return str(chosen)
    return negotiate(request.headers.get("accept-language", ""))


def negotiate(accept: str) -> str:
    """The known language with the highest weight in an Accept-Language header."""
    best, best_weight = DEFAULT, 0.0
    for item in accept.split(",")[:32]:
        tag, _, parameter = item.strip().partition(";")
        language = tag.split("-")[0].lower()
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


@cache
def read_catalogue(language: str) -> NullTranslations:
    """The catalogue of `language`; English is its own."""
    path = CATALOGUES / f"{language}.po"
    if not path.exists():
        return NullTranslations()
    from babel.messages.mofile import write_mo  # noqa: PLC0415  once a process, and none that has no pages
    from babel.messages.pofile import read_po  # noqa: PLC0415  as above

    with path.open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)
