"""Ratings of calls, and the training data that becomes of them. Blocks on the database: call from threads.

Thumbs, scores and labels are kept always; text only with the team's consent, sealed, and for a time. An
export is an entry in the audit log before the first line of it exists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from naru.engines.sql.base import SqlEngine
from naru.kernel.audit import AuditEvent, AuditSink
from naru.kernel.clock import Clock
from naru.kernel.errors import BadRequest, Conflict, Forbidden
from naru.kernel.ids import new_id
from naru.trust.entity import Entity
from naru.trust.feedback import store
from naru.trust.feedback.models import Opinion, RatedCall, Rating, RatingFilter, check_opinion
from naru.trust.feedback.tables import captures, feedback
from naru.trust.vault import LOCK, SealBroken, Sealed, Sealer, shred

Consent = Callable[[str | None, str | None, str | None], bool]
"""Whether the policy of an organisation, team and project has consent to keeping text."""
Find = Callable[[str], Iterable[Entity]]

_MAX_RATINGS = 100
_DAY_NS = 86_400 * 10**9


class _Text(msgspec.Struct, omit_defaults=True):
    """What is sealed of a rating."""

    comment: str | None = None
    correction: str | None = None


class Pair(msgspec.Struct, omit_defaults=True):
    """A prompt and its answer as the client saw them, in OpenAI's words. Sealed wherever it lies."""

    messages: list[dict[str, object]]
    answer: dict[str, object]
    tools: list[dict[str, object]] | None = None

    def __repr__(self) -> str:
        return f"Pair({len(self.messages)} messages)"


class FeedbackBook:
    """What people say of calls.

    Args:
        has_consent: asked at every act on text, so that a withdrawn consent counts at once.
        find: detectors, for labels: they are kept in clear, so they may hold no personal data.
        capture_days: how long text is kept.
        retention_days: how long ratings are kept; as the ledger's rows.
    """

    def __init__(
        self,
        engine: SqlEngine,
        sealer: Sealer,
        clock: Clock,
        audit: AuditSink,
        *,
        has_consent: Consent,
        find: Find,
        capture_days: int,
        retention_days: int,
    ) -> None:
        self._engine = engine
        self._sealer = sealer
        self._clock = clock
        self._audit = audit
        self.has_consent = has_consent
        self._find = find
        self.capture_days = capture_days
        self._retention_days = retention_days

    def add(self, call: RatedCall, opinion: Opinion, *, rater: str) -> Rating:
        """Write down what somebody says of a call.

        Raises:
            BadRequest: there is nothing in it, a field is wrong, or the label holds personal data.
            Forbidden: it holds text, and the team has not consented (code `no_consent`).
            Conflict: the call was rated too often already.
        """
        check_opinion(opinion)
        self._check_label(opinion.label)
        if opinion.has_text and not self.has_consent(call.org, call.team, call.project):
            raise Forbidden(
                "Comments and corrections are text, and the policy of this team does not consent to keeping "
                "any (capture_consent). Nothing was kept; thumb, score and label can be sent without them.",
                code="no_consent",
            )
        now_ns = self._clock.now_ns()
        rating = Rating(
            id=new_id("fb"),
            call_id=call.id,
            org=call.org,
            team=call.team,
            project=call.project,
            rater=rater,
            thumb=opinion.thumb,
            score=opinion.score,
            label=opinion.label,
            has_comment=opinion.comment is not None,
            has_correction=opinion.correction is not None,
            created_at_ns=now_ns,
        )
        with self._engine.begin() as connection:
            if store.count_ratings(connection, call.id) >= _MAX_RATINGS:
                raise Conflict(f"A call can be rated {_MAX_RATINGS} times.", code="too_many_ratings")
            text = expires_at_ns = None
            if opinion.has_text:
                self._engine.lock(connection, LOCK)
                plain = msgspec.json.encode(_Text(opinion.comment, opinion.correction))
                text = self._sealer.seal(feedback.name, rating.id, plain)
                expires_at_ns = now_ns + self.capture_days * _DAY_NS
            store.insert_rating(connection, rating, text, expires_at_ns)
        if not rater.startswith("key:"):  # of programs ratings are data, of people acts
            self._audit.record(
                AuditEvent(
                    action="feedback.add",
                    actor=rater,
                    target=f"call:{call.id}",
                    facts={
                        "thumb": rating.thumb,
                        "has_comment": rating.has_comment,
                        "has_correction": rating.has_correction,
                    },
                )
            )
        return rating

    def _check_label(self, label: str | None) -> None:
        if label is not None and any(self._find(label)):
            raise BadRequest(
                "The label looks like personal data, and labels are kept in clear. Choose another word.",
                code="holds_personal_data",
                param="label",
            )

    def list_ratings(
        self,
        wanted: RatingFilter,
        *,
        orgs: Collection[str] | None = None,
        limit: int = 100,
        before_id: str | None = None,
    ) -> list[Rating]:
        """Ratings, newest first, without their text.

        Args:
            orgs: whose there are; None: everybody's.
        """
        with self._engine.connect() as connection:
            return store.list_ratings(connection, wanted, orgs, limit=limit, before_id=before_id)

    def export(
        self, wanted: RatingFilter, *, actor: str, orgs: Collection[str] | None = None
    ) -> tuple[int, Iterator[bytes]]:
        """Rated calls as training data: lines of JSON in OpenAI's format for fine-tuning.

        A corrected answer stands in the place of the model's own; one that was rated down and not corrected
        is no example and left out. Only calls whose team consents now.

        Returns:
            How many calls match, and the lines; read them to the end or close them.

        Raises:
            BadRequest: the label looks like personal data.
            Unavailable: the audit log cannot take the entry, so nothing leaves.
        """
        self._check_label(wanted.label)  # it will stand in the audit log
        with self._engine.connect() as connection:
            ids = store.list_exportable(connection, wanted, orgs)
        self._record(
            AuditEvent(
                action="feedback.export",
                actor=actor,
                target="feedback",
                facts={"count": len(ids), "format": "openai-jsonl", **wanted.facts()},
            )
        )
        return len(ids), self._lines(ids, wanted, orgs)

    def _record(self, event: AuditEvent) -> None:
        record_now = getattr(self._audit, "record_now", self._audit.record)
        record_now(event)

    def _lines(
        self, ids: Iterable[str], wanted: RatingFilter, orgs: Collection[str] | None
    ) -> Iterator[bytes]:
        for id in ids:
            with self._engine.connect() as connection:
                found = store.read_pair(connection, id, wanted, orgs)
            if found is None:
                continue
            captured, ratings = found
            if not self.has_consent(captured.org, captured.team, captured.project):
                continue
            try:
                line = self._line(captured, ratings)
            except SealBroken:
                continue  # shredded since we counted
            if line is not None:
                yield line

    def _line(self, captured: Any, ratings: list[Any]) -> bytes | None:
        correction = None
        for rating in ratings:  # oldest first: the newest correction counts
            if rating.wrapped_key is not None:
                text = msgspec.json.decode(self._open(feedback.name, rating), type=_Text)
                correction = text.correction or correction
        is_down = bool(ratings) and ratings[-1].thumb == "down"
        if correction is None and is_down:
            return None
        pair = msgspec.json.decode(self._open(captures.name, captured), type=Pair)
        answer = pair.answer if correction is None else {"role": "assistant", "content": correction}
        line: dict[str, object] = {"messages": [*pair.messages, answer]}
        if pair.tools:
            line["tools"] = pair.tools
        return msgspec.json.encode(line) + b"\n"

    def _open(self, purpose: str, row: Any) -> bytes:
        record = msgspec.convert(row, Sealed, from_attributes=True)
        return self._sealer.open(purpose, row.id, record)

    def sweep(self) -> None:
        """Shred text whose time is over or whose team consents no longer, and forget old ratings."""
        now_ns = self._clock.now_ns()
        with self._engine.connect() as connection:
            owners = [
                (table, owner)
                for table in (captures, feedback)
                for owner in store.list_owners(connection, table)
            ]
        withdrawn = [(table, owner) for table, owner in owners if not self.has_consent(*owner)]
        with self._engine.begin() as connection:
            for table in (captures, feedback):
                shred(connection, table, table.c.expires_at_ns <= now_ns)
            for table, owner in withdrawn:
                columns = (table.c.org, table.c.team, table.c.project)
                shred(connection, table, *map(_equals, columns, owner))
            store.delete_older(connection, now_ns - self._retention_days * _DAY_NS)


def _equals(column: sa.Column[Any], value: str | None) -> sa.ColumnElement[bool]:
    return column.is_(None) if value is None else column == value
