"""The canonical bytes of an entry and the chain over them; docs/audit.md states this form for others.

Whatever is changed here makes every log of the world fail its verification: a new form needs a new `v`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Final

import msgspec

from naru.kernel.audit import AuditEvent

ENTRY_DOMAIN: Final = b"naru audit entry v1\n"
GENESIS_DOMAIN: Final = b"naru audit genesis v1\n"
_MAX_TEXT: Final = 500
_OUTCOMES: Final = ("done", "denied", "failed")

FactValue = str | int | bool | None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log, as it is stored. `facts` is the canonical JSON text of an object."""

    seq: int
    id: str
    at_ns: int
    actor: str
    action: str
    target: str
    outcome: str
    facts: str
    prev_hash: str
    entry_hash: str

    def read_facts(self) -> dict[str, FactValue]:
        """The facts as an object; empty where somebody made them unreadable (`naru audit verify` says so)."""
        try:
            found = json.loads(self.facts)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Stamped(msgspec.Struct, frozen=True):
    """An event with its time and its id, waiting for its place in the log."""

    id: str
    at_ns: int
    event: AuditEvent


def canonical_json(value: object) -> str:
    """RFC 8785 for what can occur here (objects, text, whole numbers, true, false, null), but that whole
    numbers above 2^53 are written in full and names are sorted by code point."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_bytes(
    *,
    seq: int,
    id: str,
    at_ns: int,
    actor: str,
    action: str,
    target: str,
    outcome: str,
    facts: str,
    prev_hash: str,
) -> bytes:
    """What is hashed: `canonical_json` of the entry without its own hash, put together by hand for speed."""
    text = encode_basestring
    return (
        f'{{"action":{text(action)},"actor":{text(actor)},"at_ns":{at_ns},"facts":{facts},"id":{text(id)},'
        f'"outcome":{text(outcome)},"prev_hash":{text(prev_hash)},"seq":{seq},"target":{text(target)},"v":1}}'
    ).encode()


def entry_bytes(entry: Entry) -> bytes:
    """The canonical bytes of a stored entry."""
    return canonical_bytes(
        seq=entry.seq,
        id=entry.id,
        at_ns=entry.at_ns,
        actor=entry.actor,
        action=entry.action,
        target=entry.target,
        outcome=entry.outcome,
        facts=entry.facts,
        prev_hash=entry.prev_hash,
    )


def chain_hash(data: bytes) -> str:
    """The hash that the next entry names as its `prev_hash`."""
    return sha256(ENTRY_DOMAIN + data).hexdigest()


def genesis_hash(origin: str) -> str:
    """`prev_hash` of the first entry: it binds the chain to its log."""
    return sha256(GENESIS_DOMAIN + origin.encode()).hexdigest()


def new_entry(stamped: Stamped, seq: int, prev_hash: str) -> tuple[Entry, bytes]:
    """The entry at `seq`, and its canonical bytes. Never fails: what cannot be stored is replaced."""
    event = stamped.event
    fields = {
        "id": stamped.id,
        "actor": _clean(event.actor),
        "action": _clean(event.action),
        "target": _clean(event.target),
        "outcome": event.outcome if event.outcome in _OUTCOMES else "failed",
        "facts": canonical_json(_clean_facts(event.facts)),
        "prev_hash": prev_hash,
    }
    data = canonical_bytes(seq=seq, at_ns=stamped.at_ns, **fields)
    return Entry(seq=seq, at_ns=stamped.at_ns, entry_hash=chain_hash(data), **fields), data


def _clean_facts(facts: Mapping[str, FactValue]) -> dict[str, FactValue]:
    return {
        _clean(name): value if value is None or isinstance(value, int) else _clean(value)
        for name, value in facts.items()
    }


def _clean(value: object) -> str:
    """Text that both databases store as it is (no NUL, no half of a surrogate pair), of bounded length."""
    text = str(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
