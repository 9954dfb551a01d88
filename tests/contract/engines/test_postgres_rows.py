"""Many rows as one JSON value: each arrives as it was, or is refused as it would have been by itself."""

from __future__ import annotations

import math
import struct

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naru.engines.sql.postgres import PostgresEngine
from naru.engines.sql.postgres_rows import insert_rows

pytestmark = pytest.mark.service

TABLE = sa.Table(
    "order",  # a word that must be quoted
    sa.MetaData(),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger),
    sa.Column("small", sa.Integer),
    sa.Column("x", sa.Double),
    sa.Column("is_so", sa.Boolean),
    sa.Column("text", sa.Text),
    sa.Column("short", sa.String(4)),
    sa.Column("data", sa.LargeBinary),
    sa.Column("must", sa.Text, nullable=False),
)


@pytest.fixture(scope="module")
def engine(postgres_server):
    engine = PostgresEngine(postgres_server.create_database())
    with engine.begin() as connection:
        TABLE.create(connection)
    yield engine
    engine.close()


@pytest.fixture(autouse=True)
def empty(engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.delete(TABLE))


def row(id: int = 1, **values: object) -> tuple[object, ...]:
    named = {"id": id, "must": "", **values}
    return tuple(named.get(column.name) for column in TABLE.columns)


def insert(engine, *rows, **options) -> None:
    with engine.begin() as connection:
        insert_rows(connection, TABLE, rows, **options)


def stored(engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(found) for found in connection.execute(sa.select(TABLE).order_by(TABLE.c.id))]


def same(a: object, b: object) -> bool:
    """NaN is NaN, and the sign of a zero counts."""
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("d", a) == struct.pack("d", b) or (math.isnan(a) and math.isnan(b))
    return a == b and type(a) is type(b)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
BIG = st.integers(-(2**63), 2**63 - 1)
VALUES = st.tuples(
    st.none() | BIG,
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.floats(),
    st.none() | st.booleans(),
    st.none() | TEXT,
    st.none() | TEXT.filter(lambda text: len(text) <= 4),
    st.none() | st.binary(),
    TEXT,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=20))
def test_what_goes_in_comes_out(engine, values):
    """Sixty-four bits to the last, every float to the last, every text and byte, NULL as NULL."""
    rows = [(number, *some) for number, some in enumerate(values)]
    with engine.begin() as connection:
        connection.execute(sa.delete(TABLE))
        insert_rows(connection, TABLE, rows)
    found = stored(engine)
    assert len(found) == len(rows)
    for was, has in zip(rows, found, strict=True):
        assert all(map(same, was, has)), (was, has)


@pytest.mark.parametrize(
    "values",
    [
        {"text": "a\0b"},
        {"text": "\ud800"},
        {"text": object()},
        {"n": 2**63},
        {"n": 2**70},
        {"n": "one"},
        {"small": 2**31},
        {"x": 2**5000},
        {"short": "12345"},
        {"must": None},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_value_that_no_database_takes_is_a_fault_of_its_row(engine, values):
    """Told from a database that is busy, so that the rows beside it are written; nothing of the batch is."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  Python's own, or the server's
        insert(engine, row(1), row(2, **values))
    assert engine.is_row_fault(caught.value)
    assert stored(engine) == []
    insert(engine, row(3))


def test_a_missing_right_is_no_fault_of_a_row(engine, postgres_server):
    """What an administrator can mend must not drop rows."""
    gone = sa.Table("gone", sa.MetaData(), sa.Column("id", sa.BigInteger))
    with pytest.raises(sa.exc.DBAPIError) as caught, engine.begin() as connection:
        insert_rows(connection, gone, [(1,)])
    assert not engine.is_row_fault(caught.value)


def test_known_rows_are_left_out_on_wish(engine):
    """The same batch again writes nothing twice; without the wish it is refused."""
    insert(engine, row(1, text="first"))
    insert(engine, row(1, text="second"), row(2), skip_known=True)
    assert [found[5] for found in stored(engine)] == ["first", None]
    with pytest.raises(sa.exc.IntegrityError):
        insert(engine, row(1))
    insert(engine)


def test_columns_in_another_order(engine):
    """Values stand in the order that is said."""
    with engine.begin() as connection:
        insert_rows(
            connection, TABLE, [("m", 7, 1.5, 1)], columns=[TABLE.c.must, TABLE.c.n, TABLE.c.x, TABLE.c.id]
        )
    assert stored(engine) == [row(1, n=7, x=1.5, must="m")]
