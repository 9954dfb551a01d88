"""What people say of calls: values without I/O, and what may be written into them."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from naru.kernel.errors import BadRequest

Thumb = Literal["up", "down"]
Decision = Literal["harmless", "harmful", "unclear"]
DECISIONS: Final[tuple[Decision, ...]] = ("harmless", "harmful", "unclear")
MAX_TEXT: Final = 100_000
"""Characters of a comment or a correction."""
MAX_NOTE: Final = 1_000
_LABEL: Final = re.compile(r"[0-9A-Za-z가-힣][0-9A-Za-z가-힣_.-]{0,39}")


class RatedCall(msgspec.Struct, frozen=True):
    """The call that is spoken of, as far as feedback needs to know it."""

    id: str
    org: str | None
    team: str | None
    project: str | None


class Opinion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody says of a call; at least one of it."""

    thumb: Thumb | None = None
    score: float | None = None
    """0 (worst) to 1 (best)."""
    label: str | None = None
    comment: str | None = None
    correction: str | None = None
    """The answer as it should have been."""

    @property
    def has_text(self) -> bool:
        """Whether there is anything that is kept only with consent."""
        return self.comment is not None or self.correction is not None

    def __repr__(self) -> str:
        return f"Opinion(thumb={self.thumb}, score={self.score})"


class Rating(msgspec.Struct, frozen=True, kw_only=True):
    """What was said, without its text."""

    id: str
    call_id: str
    org: str | None
    team: str | None
    project: str | None
    rater: str
    """`user:…`, `key:…` or `admin-key`."""
    thumb: Thumb | None
    score: float | None
    label: str | None
    has_comment: bool
    has_correction: bool
    created_at_ns: int


class RatingFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which ratings; None leaves a condition out."""

    from_ns: int | None = None
    to_ns: int | None = None
    label: str | None = None
    min_score: float | None = None
    thumb: Thumb | None = None
    call_id: str | None = None

    def facts(self) -> dict[str, str | int | None]:
        """For the audit log: no value in it is anybody's text, a label is checked when it is made."""
        score = self.min_score
        return {
            "from_ns": self.from_ns,
            "to_ns": self.to_ns,
            "label": self.label,
            "min_score": None if score is None else str(score),
            "thumb": self.thumb,
        }


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A call that the guard wants a person to look at, and what they said."""

    call_id: str
    org: str | None
    team: str | None
    kinds: tuple[str, ...]
    scores: dict[str, float]
    created_at_ns: int
    decision: Decision | None = None
    note: str | None = None
    decided_by: str | None = None
    decided_at_ns: int | None = None


def check_opinion(opinion: Opinion) -> None:
    """Raises BadRequest, naming the field at fault."""
    if opinion == Opinion():
        raise BadRequest(
            "Give a thumb, a score, a label, a comment or a correction.", code="missing_required_parameter"
        )
    if opinion.score is not None and not 0 <= opinion.score <= 1:
        raise BadRequest("`score` is from 0 to 1.", code="invalid_value", param="score")
    if opinion.label is not None and not _LABEL.fullmatch(opinion.label):
        raise BadRequest(
            "`label` is one word of up to 40 letters, digits, `_`, `.` and `-`.",
            code="invalid_value",
            param="label",
        )
    for name in ("comment", "correction"):
        text = getattr(opinion, name)
        if text is not None and not 0 < len(text) <= MAX_TEXT:
            raise BadRequest(f"`{name}` has 1 to {MAX_TEXT} characters.", code="invalid_value", param=name)
