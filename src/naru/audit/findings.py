"""What a verification says: each finding names what is wrong, and where."""

from __future__ import annotations

from typing import Literal

import msgspec

FindingKind = Literal[
    "altered", "missing", "moved", "inserted", "replaced", "truncated", "rewritten", "unreadable",
    "checkpoint", "kept", "node", "head",
]  # fmt: skip

MAX_FINDINGS = 1_000


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not as it was written."""

    kind: FindingKind
    what: str
    """One sentence for the person who reads it."""
    seq: int | None = None
    """The entry, or the first of several."""
    to_seq: int | None = None
    """The last of several entries."""
    checkpoint: int | None = None
    """Number of the checkpoint concerned."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one verification."""

    is_intact: bool
    origin: str
    size: int
    """Entries found."""
    root: str
    """Merkle root over them, hex; "" where some are missing."""
    checkpoints: int
    """Checkpoints found in the log."""
    kept: int
    """Checkpoints kept elsewhere that the log was compared with."""
    covered: int
    """Entries that a checkpoint covers; later ones are held by the chain alone until the next one."""
    keys: list[str]
    """Public keys that the signatures were checked with."""
    findings: list[Finding]
    more: int = 0
    """Findings beyond those listed."""
    at_ns: int = 0
    duration_ms: float = 0.0
