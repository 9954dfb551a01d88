"""SQL of ratings, captured pairs and reviews. Takes a connection, returns models; makes no ids or times."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from naru.trust.feedback.models import Decision, Rating, RatingFilter, Review
from naru.trust.feedback.tables import captures, feedback, reviews
from naru.trust.vault import Sealed

_RATING = tuple(feedback.c[name] for name in Rating.__struct_fields__)
Orgs = Collection[str] | None
"""Whose rows there are; None: everybody's."""


def insert_rating(
    connection: sa.Connection, rating: Rating, text: Sealed | None, expires_at_ns: int | None
) -> None:
    sealed = (
        {}
        if text is None
        else {"vault_key": text.vault_key, "wrapped_key": text.wrapped_key, "sealed": text.sealed}
    )
    connection.execute(
        sa.insert(feedback).values(**msgspec.structs.asdict(rating), **sealed, expires_at_ns=expires_at_ns)
    )


def count_ratings(connection: sa.Connection, call_id: str) -> int:
    """How often a call was rated."""
    query = sa.select(sa.func.count()).select_from(feedback).where(feedback.c.call_id == call_id)
    return connection.execute(query).scalar_one()


def list_ratings(
    connection: sa.Connection, wanted: RatingFilter, orgs: Orgs, *, limit: int, before_id: str | None
) -> list[Rating]:
    """Newest first."""
    query = sa.select(*_RATING).where(*_conditions(wanted, orgs))
    if before_id is not None:
        query = query.where(feedback.c.id < before_id)
    rows = connection.execute(query.order_by(feedback.c.id.desc()).limit(limit)).mappings()
    return [Rating(**row) for row in rows]


def list_exportable(connection: sa.Connection, wanted: RatingFilter, orgs: Orgs) -> list[str]:
    """Ids of calls that were captured and rated so, oldest first."""
    query = (
        sa.select(captures.c.id)
        .where(captures.c.id.in_(sa.select(feedback.c.call_id).where(*_conditions(wanted, orgs))))
        .order_by(captures.c.id)
    )
    return list(connection.execute(query).scalars())


def read_pair(
    connection: sa.Connection, call_id: str, wanted: RatingFilter, orgs: Orgs
) -> tuple[Any, list[Any]] | None:
    """The captured row of a call and its ratings that were asked for, oldest first."""
    captured = connection.execute(sa.select(captures).where(captures.c.id == call_id)).first()
    if captured is None:
        return None
    query = sa.select(feedback).where(feedback.c.call_id == call_id, *_conditions(wanted, orgs))
    return captured, list(connection.execute(query.order_by(feedback.c.id)).all())


def _conditions(wanted: RatingFilter, orgs: Orgs) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if orgs is not None:
        found.append(feedback.c.org.in_(sorted(orgs)))
    if wanted.from_ns is not None:
        found.append(feedback.c.created_at_ns >= wanted.from_ns)
    if wanted.to_ns is not None:
        found.append(feedback.c.created_at_ns < wanted.to_ns)
    if wanted.label is not None:
        found.append(feedback.c.label == wanted.label)
    if wanted.min_score is not None:
        found.append(feedback.c.score >= wanted.min_score)
    if wanted.thumb is not None:
        found.append(feedback.c.thumb == wanted.thumb)
    if wanted.call_id is not None:
        found.append(feedback.c.call_id == wanted.call_id)
    return found


def insert_capture(connection: sa.Connection, values: dict[str, Any]) -> None:
    connection.execute(sa.insert(captures).values(**values))


def list_owners(
    connection: sa.Connection, table: sa.Table
) -> list[tuple[str | None, str | None, str | None]]:
    """Whose text a table holds: each (organisation, team, project) once."""
    query = sa.select(table.c.org, table.c.team, table.c.project).where(table.c.wrapped_key.is_not(None))
    return [(row.org, row.team, row.project) for row in connection.execute(query.distinct())]


def insert_review(connection: sa.Connection, review: Review) -> None:
    """A call that waits already keeps its first entry."""
    if connection.execute(sa.select(reviews.c.call_id).where(reviews.c.call_id == review.call_id)).first():
        return
    values = msgspec.structs.asdict(review) | {
        "kinds": msgspec.json.encode(review.kinds).decode(),
        "scores": msgspec.json.encode(review.scores).decode(),
    }
    connection.execute(sa.insert(reviews).values(**values))


def list_reviews(
    connection: sa.Connection, orgs: Orgs, *, is_open: bool | None, limit: int, before_id: str | None
) -> list[Review]:
    """Newest first."""
    query = sa.select(reviews)
    if orgs is not None:
        query = query.where(reviews.c.org.in_(sorted(orgs)))
    if is_open is not None:
        query = query.where(reviews.c.decision.is_(None) if is_open else reviews.c.decision.is_not(None))
    if before_id is not None:
        query = query.where(reviews.c.call_id < before_id)
    rows = connection.execute(query.order_by(reviews.c.call_id.desc()).limit(limit)).mappings()
    return [_review(row) for row in rows]


def find_review(connection: sa.Connection, call_id: str, orgs: Orgs) -> Review | None:
    query = sa.select(reviews).where(reviews.c.call_id == call_id)
    if orgs is not None:
        query = query.where(reviews.c.org.in_(sorted(orgs)))
    row = connection.execute(query).mappings().first()
    return None if row is None else _review(row)


def decide_review(
    connection: sa.Connection, call_id: str, decision: Decision, note: str | None, by: str, at_ns: int
) -> None:
    connection.execute(
        sa.update(reviews)
        .where(reviews.c.call_id == call_id)
        .values(decision=decision, note=note, decided_by=by, decided_at_ns=at_ns)
    )


def delete_older(connection: sa.Connection, before_ns: int) -> None:
    """Forget ratings and reviews that are older than the ledger's rows."""
    connection.execute(sa.delete(feedback).where(feedback.c.created_at_ns < before_ns))
    connection.execute(sa.delete(reviews).where(reviews.c.created_at_ns < before_ns))


def _review(row: Any) -> Review:
    read = dict(row)
    read["kinds"] = tuple(msgspec.json.decode(row["kinds"], type=list[str]))
    read["scores"] = msgspec.json.decode(row["scores"], type=dict[str, float])
    return Review(**read)
