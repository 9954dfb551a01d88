"""Ratings and reviews by themselves: whose they are, what ends them, and what is refused."""

from __future__ import annotations

import pytest
from tests.databases import place

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.clock import FrozenClock
from naru.kernel.errors import Conflict, Forbidden
from naru.settings.model import Trust
from naru.trust.detect import Scanner
from naru.trust.feedback import Opinion, RatedCall, RatingFilter
from naru.trust.records import Records

DAY = 86_400


class ListAudit:
    def __init__(self) -> None:
        self.events = []

    def record(self, event) -> None:
        self.events.append(event)


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def consenting():
    return {("org_a", "team_a", None)}


@pytest.fixture
def records(tmp_path, clock, consenting):
    engine = SqliteEngine(place(tmp_path / FILE_NAME))
    engine.migrate()
    yield Records(
        engine,
        clock,
        ListAudit(),
        Trust(capture_days=7),
        secrets_folder=tmp_path,
        retention_days=400,
        has_consent=lambda *owner: owner in consenting,
        find=Scanner().scan,
    )
    engine.close()


OURS = RatedCall("req_1", "org_a", "team_a", None)
THEIRS = RatedCall("req_2", "org_b", None, None)


def test_ratings_are_seen_by_their_organisations_alone(records):
    book = records.feedback
    mine = book.add(OURS, Opinion(thumb="up"), rater="key:key_1")
    book.add(THEIRS, Opinion(thumb="down", score=0.25), rater="key:key_2")
    assert book.list_ratings(RatingFilter(), orgs={"org_a"}) == [mine]
    assert book.list_ratings(RatingFilter(), orgs=set()) == []
    assert len(book.list_ratings(RatingFilter())) == 2
    assert [r.call_id for r in book.list_ratings(RatingFilter(min_score=0.2))] == ["req_2"]
    assert [r.call_id for r in book.list_ratings(RatingFilter(thumb="up"))] == ["req_1"]


def test_text_needs_the_consent_of_the_calls_own_team(records):
    book = records.feedback
    assert book.add(OURS, Opinion(comment="좋아요"), rater="r").has_comment
    with pytest.raises(Forbidden) as caught:
        book.add(THEIRS, Opinion(comment="좋아요"), rater="r")
    assert caught.value.code == "no_consent"
    assert "좋아요" not in str(caught.value)


def test_text_ends_with_its_time_and_the_rating_stays(records, clock):
    book = records.feedback
    book.add(OURS, Opinion(thumb="up", comment="좋아요"), rater="r")
    clock.advance(6 * DAY)
    book.sweep()
    assert [h.records for h in records.keeper.read_holdings()] == [0, 0, 1]
    clock.advance(2 * DAY)
    book.sweep()
    assert [h.records for h in records.keeper.read_holdings()] == [0, 0, 0]
    assert len(book.list_ratings(RatingFilter())) == 1
    clock.advance(400 * DAY)
    book.sweep()
    assert book.list_ratings(RatingFilter()) == []


def test_text_of_a_withdrawn_consent_is_shredded(records, consenting):
    records.feedback.add(OURS, Opinion(comment="좋아요"), rater="r")
    consenting.clear()
    records.feedback.sweep()
    assert [h.records for h in records.keeper.read_holdings()] == [0, 0, 0]


def test_a_call_is_not_rated_without_end(records):
    for _ in range(100):
        records.feedback.add(OURS, Opinion(thumb="up"), rater="r")
    with pytest.raises(Conflict):
        records.feedback.add(OURS, Opinion(thumb="up"), rater="r")


async def test_a_call_is_reviewed_once_and_seen_by_its_organisation(records):
    records.writer.start()
    records.review_queue.record("req_1", "org_a", None, ["injection"], {"injection": 0.9})
    records.review_queue.record("req_1", "org_a", None, ["toxicity"], {"toxicity": 0.9})
    assert records.writer.flush()
    await records.stop()
    (review,) = records.reviews.list_reviews(orgs={"org_a"})
    assert review.kinds == ("injection",)
    assert records.reviews.list_reviews(orgs={"org_b"}) == []
    records.reviews.decide("req_1", "harmful", actor="user:usr_1")
    done = records.reviews.decide("req_1", "harmless", actor="user:usr_2", note="drill")
    assert (done.decision, done.decided_by) == ("harmless", "user:usr_2")
    assert records.reviews.list_reviews() == []
    assert len(records.reviews.list_reviews(is_open=False)) == 1
