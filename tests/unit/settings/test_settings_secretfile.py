"""A secret is made once and is whole from its first moment, whoever starts at the same time."""

from __future__ import annotations

import stat
import threading
from itertools import count

import pytest

from naru.kernel.errors import ConfigError
from naru.settings.secretfile import ensure_secret


def test_a_secret_is_made_once_and_stays(tmp_path):
    """Private from the beginning, and the same for whoever asks later; nothing is left beside it."""
    path = tmp_path / "new" / "session.key"
    assert ensure_secret(path, lambda: b"first") == b"first"
    assert ensure_secret(path, lambda: b"second") == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["session.key"]


def test_who_start_together_end_with_the_same(tmp_path):
    """Eight at once: one secret, never half of one."""
    numbers = count()
    barrier = threading.Barrier(8)
    found: list[bytes] = []

    def start() -> None:
        barrier.wait()
        found.append(ensure_secret(tmp_path / "a.key", lambda: b"%d" % next(numbers) * 50_000))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(found[0]) == 50_000


def test_a_folder_that_cannot_be_used_is_told(tmp_path):
    """Replicas with a read-only secret volume learn that the file must be in it beforehand."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="need the file in it beforehand"):
        ensure_secret(tmp_path / "file" / "a.key", lambda: b"x")
