"""An operator's own words on their way between the database and the detectors: sealed there, compiled here.

Words that cannot be read or compiled stop every call they are for: nothing leaves that nobody has looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from naru.engines.sql.base import SqlEngine
from naru.identity.totp import Sealer
from naru.kernel.errors import Unavailable
from naru.trust import store
from naru.trust.detect import CustomDetector, Dictionary, Pattern, Scanner, default_detectors
from naru.trust.entity import Detector, Entity
from naru.trust.store import Words

_log = logging.getLogger(__name__)
Scope = tuple[str, str]
"""Kind and id."""
KEY_FILE: Final = "trust.key"
"""In the secrets folder, shared by all replicas. Whoever has it and the database can read the words."""
_READABLE: Final = msgspec.json.Decoder(tuple[str, ...])


class Compiled(NamedTuple):
    """The detector of one scope, and what it was made of."""

    signature: tuple[tuple[str, int], ...]
    org_id: str
    detector: Detector


class _Unreadable:
    """In the place of a detector that cannot be made."""

    name = "unreadable"

    def find(self, text: str) -> Iterable[Entity]:  # noqa: ARG002 - as the protocol names it
        raise words_unreadable()


def words_unreadable() -> Unavailable:
    """The key file is not the one that the words were sealed with."""
    return Unavailable(
        "The custom words cannot be read: trust.key is not the one they were sealed with. Put the old file "
        "back, or delete the dictionaries and patterns and add them anew.",
        code="words_unreadable",
    )


class WordVault:
    """Seals words, opens them, and keeps what was compiled of them. Blocks: use it from threads.

    Args:
        secret: the bytes of trust.key, the same in every replica.
    """

    def __init__(self, engine: SqlEngine, secret: bytes) -> None:
        self._engine = engine
        self._sealer = Sealer(secret, "trust words")
        self._compiled: dict[Scope, Compiled] = {}

    def seal(self, id: str, words: Sequence[str]) -> str:
        """Words for storage, bound to the id of their row."""
        return self._sealer.seal(msgspec.json.encode(words).decode(), id)

    def open(self, id: str, sealed: str) -> tuple[str, ...]:
        """What was sealed: terms, or the one expression of a pattern.

        Raises:
            Unavailable: it was sealed with another key (code `words_unreadable`).
        """
        text = self._sealer.find(sealed, id)
        if text is None:
            raise words_unreadable()
        return _READABLE.decode(text)

    def compile_all(self) -> dict[Scope, Compiled]:
        """The detectors of every scope that has words. What did not change is not compiled again."""
        self._compiled = self._compile(None)
        return self._compiled

    def compile_for(self, scopes: Sequence[Scope]) -> list[Detector]:
        """The detectors of these scopes, those of them that have words."""
        compiled = self._compile(scopes)
        return [compiled[scope].detector for scope in scopes if scope in compiled]

    def _compile(self, wanted: Sequence[Scope] | None) -> dict[Scope, Compiled]:
        by_scope: dict[Scope, list[Words]] = {}
        found: dict[Scope, Compiled] = {}
        sealed: dict[Scope, list[tuple[Words, str]]] = {}
        with self._engine.connect() as connection:  # one snapshot: a row that is listed is there
            for words in store.list_words(connection):
                scope = words.scope_kind, words.scope_value
                if wanted is None or scope in wanted:
                    by_scope.setdefault(scope, []).append(words)
            for scope, rows in by_scope.items():
                kept = self._compiled.get(scope)
                if kept is not None and kept.signature == _sign(rows):
                    found[scope] = kept
                else:
                    sealed[scope] = [(words, store.read_sealed(connection, words) or "") for words in rows]
        for scope, texts in sealed.items():
            rows = by_scope[scope]
            found[scope] = Compiled(_sign(rows), rows[0].org_id, self._make(texts))
        return found

    def _make(self, rows: Sequence[tuple[Words, str]]) -> Detector:
        try:
            opened = [(words, self.open(words.id, sealed)) for words, sealed in rows]
            return CustomDetector(
                dictionaries=[Dictionary(w.name, terms) for w, terms in opened if w.kind == "dictionary"],
                patterns=[Pattern(w.name, terms[0]) for w, terms in opened if w.kind == "pattern"],
            )
        except (Unavailable, ValueError, IndexError) as error:
            ids = ", ".join(words.id for words, _ in rows)
            _log.error("custom words %s: %s; their calls are refused", ids, type(error).__name__)
            return _Unreadable()


def new_scanner(detectors: Sequence[Detector], threshold: float) -> Scanner:
    """Our detectors and an operator's."""
    return Scanner((*default_detectors(), *detectors), threshold=threshold)


def new_scanners(compiled: Mapping[Scope, Compiled], threshold: float) -> dict[Scope, Scanner]:
    """A scanner for each scope that has words: a team's looks for its organisation's, too."""
    scanners: dict[Scope, Scanner] = {}
    for scope, own in compiled.items():
        above = compiled.get(("org", own.org_id)) if scope[0] == "team" else None
        detectors = [own.detector] if above is None else [above.detector, own.detector]
        scanners[scope] = new_scanner(detectors, threshold)
    return scanners


def _sign(rows: Sequence[Words]) -> tuple[tuple[str, int], ...]:
    return tuple((words.id, words.revision) for words in rows)
