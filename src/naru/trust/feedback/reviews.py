"""Calls that a guard's policy wants a person to look at: the queue from the road, and the person's desk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from naru.engines.sql.base import SqlEngine
from naru.kernel.audit import AuditEvent, AuditSink
from naru.kernel.clock import Clock
from naru.kernel.errors import BadRequest, NotFound
from naru.trust.feedback import store
from naru.trust.feedback.book import Find
from naru.trust.feedback.models import DECISIONS, MAX_NOTE, Decision, Review
from naru.trust.writer import Job, TrustWriter


class ReviewQueue:
    """Takes calls to be reviewed from the road."""

    def __init__(self, writer: TrustWriter, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    def record(
        self,
        call_id: str,
        org: str | None,
        team: str | None,
        kinds: Sequence[str],
        scores: Mapping[str, float],
    ) -> bool:
        """Take one call. O(1), never blocks; False when there is no place for it (the verdict itself stands
        in the ledger's row all the same).

        Args:
            kinds: of the verdicts that ask for a review.
            scores: by kind.
        """
        review = Review(
            call_id=call_id,
            org=org,
            team=team,
            kinds=tuple(kinds),
            scores=dict(scores),
            created_at_ns=self._clock.now_ns(),
        )
        return self._writer.submit(Job(write=lambda connection: store.insert_review(connection, review)))


class ReviewBook:
    """What waits for a person, and their decisions. Blocks on the database: call from threads.

    Args:
        find: detectors, for notes: they are kept in clear, so they may hold no personal data.
    """

    def __init__(self, engine: SqlEngine, clock: Clock, audit: AuditSink, *, find: Find) -> None:
        self._engine = engine
        self._clock = clock
        self._audit = audit
        self._find = find

    def list_reviews(
        self,
        *,
        orgs: Collection[str] | None = None,
        is_open: bool | None = True,
        limit: int = 100,
        before_id: str | None = None,
    ) -> list[Review]:
        """Newest first.

        Args:
            orgs: whose there are; None: everybody's.
            is_open: those without a decision, those with one (False), or all (None).
            before_id: the last call of the page before.
        """
        with self._engine.connect() as connection:
            return store.list_reviews(connection, orgs, is_open=is_open, limit=limit, before_id=before_id)

    def decide(
        self,
        call_id: str,
        decision: Decision,
        *,
        note: str | None = None,
        actor: str,
        orgs: Collection[str] | None = None,
    ) -> Review:
        """Say what a call was. A later decision replaces an earlier one; both stand in the audit log.

        Raises:
            NotFound: no such call waits, or it is not this person's to see.
            BadRequest: the decision is none, or the note is too long or holds personal data.
        """
        if decision not in DECISIONS:
            raise BadRequest(
                f"A decision is one of {', '.join(DECISIONS)}.", code="invalid_value", param="decision"
            )
        if note is not None and not 0 < len(note) <= MAX_NOTE:
            raise BadRequest(f"A note has 1 to {MAX_NOTE} characters.", code="invalid_value", param="note")
        if note is not None and any(self._find(note)):
            raise BadRequest(
                "The note holds what looks like personal data, and notes are kept in clear. Say it without.",
                code="holds_personal_data",
                param="note",
            )
        now_ns = self._clock.now_ns()
        with self._engine.begin() as connection:
            if store.find_review(connection, call_id, orgs) is None:
                raise NotFound("No call of this id waits for a review.", code="review_not_found")
            store.decide_review(connection, call_id, decision, note, actor, now_ns)
            found = store.find_review(connection, call_id, orgs)
        assert found is not None
        self._audit.record(
            AuditEvent(
                action="review.decide",
                actor=actor,
                target=f"call:{call_id}",
                facts={"decision": decision, "has_note": note is not None},
            )
        )
        return found
