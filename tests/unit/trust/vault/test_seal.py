"""Envelopes: what is sealed opens with the operator's key, at its own place, and otherwise not at all."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.kernel.errors import ConfigError
from naru.trust.vault import SealBroken, Sealed, Sealer
from naru.trust.vault.keyfile import ensure_keys

TEXT = "김민수 010-2345-6789".encode()


@pytest.fixture
def sealer(tmp_path):
    return Sealer(tmp_path / "vault.key")


def test_what_is_sealed_opens_and_shows_nothing(sealer):
    """The same text sealed twice is two different records, and neither holds a byte of it."""
    one, two = sealer.seal("t", "id", TEXT), sealer.seal("t", "id", TEXT)
    assert sealer.open("t", "id", one) == sealer.open("t", "id", two) == TEXT
    assert one.sealed != two.sealed
    assert one.wrapped_key != two.wrapped_key
    for record in (one, two):
        assert TEXT not in record.sealed + record.wrapped_key
        assert "김" not in repr(record)


@given(where=st.sampled_from(["wrapped_key", "sealed"]), bit=st.integers(0, 7), data=st.data())
def test_a_changed_bit_is_noticed(tmp_path_factory, where, bit, data):
    sealer = Sealer(tmp_path_factory.getbasetemp() / "shared-vault.key")
    record = sealer.seal("t", "id", TEXT)
    content = bytearray(getattr(record, where))
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << bit
    changed = {name: getattr(record, name) for name in Sealed.__struct_fields__} | {where: bytes(content)}
    with pytest.raises(SealBroken) as caught:
        sealer.open("t", "id", Sealed(**changed))
    assert "김" not in str(caught.value)


@pytest.mark.parametrize(("purpose", "id"), [("t", "other"), ("other", "id")])
def test_a_record_opens_at_its_own_place_alone(sealer, purpose, id):
    """Moved to another row or table it is nothing."""
    with pytest.raises(SealBroken):
        sealer.open(purpose, id, sealer.seal("t", "id", TEXT))


def test_another_operators_key_opens_nothing(sealer, tmp_path):
    with pytest.raises(SealBroken):
        Sealer(tmp_path / "other.key").open("t", "id", sealer.seal("t", "id", TEXT))


def test_a_wrapped_key_that_is_gone_is_gone_for_ever(sealer):
    record = sealer.seal("t", "id", TEXT)
    for wrapped in (b"", bytes(60)):
        with pytest.raises(SealBroken):
            sealer.open("t", "id", Sealed(record.vault_key, wrapped, record.sealed))


def test_rotation_wraps_again_and_leaves_the_sealed_bytes(sealer):
    record = sealer.seal("t", "id", TEXT)
    name = sealer.add_key()
    again = sealer.rewrap("t", "id", record)
    assert (again.vault_key, again.sealed) == (name, record.sealed)
    assert sealer.open("t", "id", record) == TEXT, "until it is dropped, the older key opens"
    assert sealer.drop_older_keys() == 1
    assert sealer.open("t", "id", again) == TEXT
    with pytest.raises(SealBroken):
        sealer.open("t", "id", record)


def test_names_are_hashed_alike_over_rotations_and_processes(sealer, tmp_path):
    """And nobody without the file can try names."""
    sealer.refresh()
    before = sealer.index("owner", "ticket-17")
    sealer.add_key()
    sealer.drop_older_keys()
    other = Sealer(tmp_path / "vault.key")
    assert other.index("owner", "ticket-17") == before
    assert "ticket" not in before
    assert sealer.index("owner", "ticket-1", "7") != sealer.index("owner", "ticket-17")
    assert Sealer(tmp_path / "another.key").index("owner", "ticket-17") != before


def test_the_key_file_is_its_owners_alone_and_shown_nowhere(sealer, tmp_path):
    keys = sealer.refresh()
    path = tmp_path / "vault.key"
    assert path.stat().st_mode & 0o777 == 0o600
    sealer.add_key()
    assert path.stat().st_mode & 0o777 == 0o600
    assert repr(keys.index)[2:10] not in repr(keys)
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"


@pytest.mark.parametrize(
    "content", ["", "x", "naru-vault-key/1\n", "naru-vault-key/1\nindex AAAA\nkey a AAAA\n"]
)
def test_a_file_that_holds_no_keys_is_refused(tmp_path, content):
    path = tmp_path / "vault.key"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        ensure_keys(path)
    assert "backup" in str(caught.value)


def test_who_start_together_have_the_same_keys(tmp_path):
    path = tmp_path / "vault.key"
    found = []
    threads = [threading.Thread(target=lambda: found.append(Sealer(path).index("a"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_key_file_that_cannot_be_written_says_how_to_rotate(sealer, tmp_path, monkeypatch):
    sealer.refresh()

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("naru.trust.vault.keyfile.os.open", refuse)
    with pytest.raises(ConfigError) as caught:
        sealer.add_key()
    assert "--keep-key" in str(caught.value)
