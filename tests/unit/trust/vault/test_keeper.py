"""The vault's administration: rotation loses nothing, shredding leaves nothing, the audit log knows both."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from tests.databases import place

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine
from naru.kernel.clock import FrozenClock
from naru.kernel.errors import BadRequest
from naru.trust.feedback import captures, feedback
from naru.trust.vault import SealBroken, Sealed, Sealer, VaultKeeper, conversations, store

NS = 1_000_000_000


class ListAudit:
    def __init__(self) -> None:
        self.events = []

    def record(self, event) -> None:
        self.events.append(event)


@pytest.fixture
def engine(tmp_path):
    engine = SqliteEngine(place(tmp_path / FILE_NAME))
    engine.migrate()
    yield engine
    engine.close()


@pytest.fixture
def sealer(tmp_path):
    return Sealer(tmp_path / "vault.key")


@pytest.fixture
def audit():
    return ListAudit()


@pytest.fixture
def keeper(engine, sealer, audit):
    return VaultKeeper(engine, sealer, audit, mode="sealed", tables=(conversations, captures, feedback))


@pytest.fixture
def put(engine, sealer):
    """Writes a conversation; the hash it lies under."""
    clock = FrozenClock()

    def put(name: str, *, org: str | None = "org_a", at_ns: int | None = None) -> str:
        id = sealer.index("conversations", "key_1", name)
        with engine.begin() as connection:
            assert store.save(
                connection,
                id,
                sealer.seal("conversations", id, f"value of {name}".encode()),
                org=org,
                version=0,
                now_ns=clock.now_ns() if at_ns is None else at_ns,
                expires_at_ns=clock.now_ns() + NS,
            )
        return id

    return put


def read(engine, id) -> Sealed | None:
    with engine.connect() as connection:
        found = store.find_sealed(connection, id)
    return None if found is None else found[1]


def test_a_rotation_wraps_everything_and_forgets_the_old_key(engine, sealer, keeper, put, audit):
    """More records than one batch, all readable after, none with the old key."""
    ids = [put(f"c{n}") for n in range(450)]
    old = sealer.refresh().newest
    done = keeper.rotate(actor="admin-key")
    assert (done.rewrapped, done.broken, done.dropped_keys) == (450, 0, 1)
    assert done.vault_key != old
    assert list(sealer.refresh().wrapping) == [done.vault_key]
    for n in (0, 200, 449):
        assert sealer.open("conversations", ids[n], read(engine, ids[n])) == f"value of c{n}".encode()
    (event,) = audit.events
    assert (event.action, event.facts["rewrapped"]) == ("vault.rotate", 450)
    again = keeper.rotate(actor="admin-key", makes_key=False)
    assert (again.rewrapped, again.vault_key) == (0, done.vault_key)


def test_what_no_key_opens_does_not_stop_a_rotation(engine, sealer, keeper, put):
    good, bad = put("good"), put("bad")
    with engine.begin() as connection:
        broken = sa.update(conversations).where(conversations.c.id == bad)
        connection.execute(broken.values(wrapped_key=bytes(60)))
    done = keeper.rotate(actor="admin-key")
    assert (done.rewrapped, done.broken) == (1, 1)
    assert sealer.open("conversations", good, read(engine, good))
    with pytest.raises(SealBroken):
        sealer.open("conversations", bad, read(engine, bad))


def test_shredding_takes_what_was_named_and_leaves_the_rest(engine, keeper, put, audit):
    now = FrozenClock().now_ns()
    one, other = put("ticket-17"), put("other")
    theirs = put("theirs", org="org_b")
    old = put("old", at_ns=now - 100 * NS)
    assert keeper.shred(actor="a", conversation="ticket-17", owner="key_1") == {"conversations": 1}
    assert keeper.shred(actor="a", conversation="ticket-17", owner="key_2") == {"conversations": 0}
    assert read(engine, one) is None
    assert keeper.shred(actor="a", before_ns=now - 50 * NS)["conversations"] == 1
    assert read(engine, old) is None
    assert keeper.shred(actor="a", org="org_b")["conversations"] == 1
    assert read(engine, theirs) is None
    assert read(engine, other) is not None
    assert [event.action for event in audit.events] == ["vault.shred"] * 4
    assert "ticket" not in str(audit.events[0]), "a name is in no entry"


def test_a_shredded_key_is_in_no_file(engine, keeper, put, tmp_path):
    """Neither the wrapped key nor what it sealed: pages and log are written over."""
    record = read(engine, put("one"))
    assert any(record.wrapped_key in p.read_bytes() for p in tmp_path.iterdir()), "it was there"
    keeper.shred(actor="a", conversation="one", owner="key_1")
    for path in tmp_path.iterdir():
        assert record.wrapped_key not in path.read_bytes(), path.name
        assert record.sealed not in path.read_bytes(), path.name


@pytest.mark.parametrize("asked", [{}, {"conversation": "c"}, {"owner": "key_1", "org": "org_a"}])
def test_what_would_shred_too_much_or_nothing_is_refused(keeper, asked):
    with pytest.raises(BadRequest):
        keeper.shred(actor="a", **asked)


def test_holdings_count_and_show_nothing(keeper, put, sealer):
    put("one")
    put("two")
    found = {holding.name: holding for holding in keeper.read_holdings()}
    assert found["conversations"].records == 2
    assert found["conversations"].by_key == {sealer.refresh().newest: 2}
    assert found["captures"].records == 0
