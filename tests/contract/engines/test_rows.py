"""Many rows a statement: whatever a row leaves empty and however many there are, each arrives as it was."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from naru.engines.sql.rows import insert_rows

TABLE = sa.Table(
    "group",  # a word that must be quoted
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    *(sa.Column(f"n{number}", sa.BigInteger) for number in range(8)),
    sa.Column("text", sa.Text),
)


@pytest.fixture
def insert(engine):
    with engine.begin() as connection:
        TABLE.create(connection)

    def insert(rows, **options):
        with engine.begin() as connection:
            insert_rows(connection, TABLE, rows, **options)
            return [tuple(row) for row in connection.execute(sa.select(TABLE).order_by(TABLE.c.id))]

    return insert


def test_rows_arrive_whatever_they_leave_empty(insert):
    """More patterns of empty columns than shapes are kept of, in batches of every size."""
    pick = random.Random(3)
    rows: list[tuple[object, ...]] = []
    for size in (1, 15, 256, 300, 512, 256, 700, 256, 256, 17):
        used = [pick.random() < 0.5 for _ in range(8)]
        batch = [
            (
                len(rows) + number,
                *(pick.randrange(-(2**62), 2**62) if use and pick.random() < 0.9 else None for use in used),
                pick.choice([None, "", "글 \u0001 '"]),
            )
            for number in range(size)
        ]
        rows += batch
        assert insert(batch) == rows
    assert insert([]) == rows


def test_only_the_key_is_filled(insert):
    """A batch whose rows hold nothing but their key."""
    rows = [(number, *[None] * 9) for number in range(600)]
    assert insert(rows) == rows


def test_known_rows_are_left_or_refused(insert):
    """A batch written twice changes nothing, or fails as a whole."""
    first = [(number, *[number] * 8, "a") for number in range(300)]
    again = [(number, *[0] * 8, "b") for number in range(290, 310)]
    assert insert(first) == first
    assert insert(again, skip_known=True) == first + again[10:]
    with pytest.raises(sa.exc.IntegrityError):
        insert([(400, *[0] * 8, "c"), *again])
    assert insert([]) == first + again[10:]
