"""Citations as OpenAI's clients know them: a web address and the stretch of the answer it stands behind."""

from __future__ import annotations

from naru.wire.model import Json, Text


def write_citations(text: Text, offset: int) -> list[Json]:
    """The web citations of a text that begins `offset` characters into the answer.

    Anthropic cites a whole block, so its stretch is the block. Citations of documents the client sent have
    no shape here and are left out.
    """
    written: list[Json] = []
    for citation in text.citations or []:
        kind, nested, url = citation.get("type"), citation.get("url_citation"), citation.get("url")
        if kind == "url_citation" and isinstance(nested, dict):
            written.append({"type": "url_citation", "url_citation": nested})
        elif kind == "web_search_result_location" and isinstance(url, str):
            title = citation.get("title")
            place: Json = {
                "start_index": offset,
                "end_index": offset + len(text.text),
                "title": title if isinstance(title, str) else url,
                "url": url,
            }
            written.append({"type": "url_citation", "url_citation": place})
    return written
