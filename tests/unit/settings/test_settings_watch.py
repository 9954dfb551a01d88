"""A changed file is taken without a restart; a bad one is refused and what runs keeps running."""

from __future__ import annotations

import asyncio
import logging

import pytest

from naru.kernel.clock import FrozenClock
from naru.kernel.errors import ConfigError
from naru.settings import ConfigWatcher, Settings, load, restart_needed


class Running:
    """Stands for the application: remembers what it was told to run."""

    def __init__(self):
        self.applied: list[Settings] = []
        self.fault: Exception | None = None
        self.has_applied = asyncio.Event()

    async def __call__(self, settings):
        if self.fault is not None:
            raise self.fault
        self.applied.append(settings)
        self.has_applied.set()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "naru.toml"
    path.write_text("[resilience]\nmax_retries = 1\n")
    return path


def watch(path, running, environ=None, **options):
    environ = environ or {}
    current = load(path, environ) if path.exists() else Settings()
    return ConfigWatcher(path, environ, running, current=current, **options)


async def settle(watcher):
    """Look until nothing is changing."""
    while await watcher.look():
        pass


async def test_a_changed_file_is_applied(path):
    """And readable as `current`."""
    running, clock = Running(), FrozenClock()
    watcher = watch(path, running, clock=clock)
    await settle(watcher)
    assert running.applied == []  # nothing has changed yet
    clock.advance(5)
    path.write_text("[resilience]\nmax_retries = 3\n")
    await settle(watcher)
    assert [s.resilience.max_retries for s in running.applied] == [3]
    assert watcher.current.resilience.max_retries == 3
    assert watcher.loaded_at_ns == clock.now_ns()


async def test_a_file_still_being_written_is_not_taken(path):
    """Half a file can be valid TOML that lacks every provider."""
    running = Running()
    watcher = watch(path, running)
    await settle(watcher)
    path.write_text("[resilience]\n")
    assert await watcher.look() is True
    path.write_text("[resilience]\nmax_retries = 2\n")
    assert await watcher.look() is True
    assert running.applied == []
    assert await watcher.look() is False
    assert [s.resilience.max_retries for s in running.applied] == [2]


async def test_an_atomic_rename_is_seen(path, tmp_path):
    """Editors and config management replace the file instead of writing into it."""
    running = Running()
    watcher = watch(path, running)
    await settle(watcher)
    other = tmp_path / "new"
    other.write_text("[resilience]\nmax_retries = 4\n")
    other.replace(path)
    await settle(watcher)
    assert [s.resilience.max_retries for s in running.applied] == [4]


async def test_a_swapped_symlink_is_seen(tmp_path):
    """Kubernetes mounts a ConfigMap so."""
    for name, retries in (("v1", 1), ("v2", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "naru.toml").write_text(f"[resilience]\nmax_retries = {retries}\n")
    (tmp_path / "data").symlink_to("v1")
    running = Running()
    watcher = watch(tmp_path / "data" / "naru.toml", running)
    await settle(watcher)
    (tmp_path / "data2").symlink_to("v2")
    (tmp_path / "data2").replace(tmp_path / "data")
    await settle(watcher)
    assert [s.resilience.max_retries for s in running.applied] == [2]


async def test_a_bad_file_is_refused_and_told_once(path, caplog):
    """With line and reason; what runs stays."""
    running = Running()
    watcher = watch(path, running)
    await settle(watcher)
    path.write_text("[resilience]\nmax_retries = 'two'\n")
    with caplog.at_level(logging.ERROR):
        await settle(watcher)
        await settle(watcher)
        path.touch()
        await settle(watcher)
    assert running.applied == []
    assert watcher.current.resilience.max_retries == 1
    assert isinstance(watcher.last_error, ConfigError)
    assert watcher.last_error.line == 2
    assert [record.getMessage().count("max_retries") for record in caplog.records] == [1]
    path.write_text("[resilience]\nmax_retries = 2\n")
    await settle(watcher)
    assert watcher.last_error is None
    assert watcher.current.resilience.max_retries == 2


async def test_a_file_that_vanishes_is_an_error_not_the_defaults(path):
    """Losing every provider because of an `rm` would be an outage."""
    running = Running()
    watcher = watch(path, running)
    await settle(watcher)
    path.unlink()
    await settle(watcher)
    assert running.applied == []
    assert "does not exist" in str(watcher.last_error)


async def test_a_file_that_comes_later_is_taken(tmp_path):
    """Naru was started without one."""
    running = Running()
    path = tmp_path / "naru.toml"
    watcher = watch(path, running)
    await settle(watcher)
    assert watcher.last_error is None
    path.write_text("[resilience]\nmax_retries = 7\n")
    await settle(watcher)
    assert [s.resilience.max_retries for s in running.applied] == [7]


async def test_settings_that_cannot_be_applied_are_refused(path):
    """`apply` raises: the same as a bad file, and the watcher lives on."""
    running = Running()
    watcher = watch(path, running)
    await settle(watcher)
    path.write_text("[resilience]\nmax_retries = 5\n")
    for fault in (ConfigError("no credentials"), RuntimeError("https://secret.example/?key=1")):
        running.fault = fault
        assert await watcher.reload() is False
        assert watcher.current.resilience.max_retries == 1
        assert "secret.example" not in str(watcher.last_error)
    running.fault = None
    assert await watcher.reload() is True
    assert watcher.last_error is None


async def test_a_rotated_key_file_is_taken_up(tmp_path):
    """The config itself is unchanged; the next call must use the new key."""
    (tmp_path / "p.key").write_text("old-key")
    path = tmp_path / "naru.toml"
    path.write_text("[providers.p]\nkind='openai'\napi_key_file='p.key'\n")
    running = Running()
    watcher = watch(path, running)
    await settle(watcher)
    (tmp_path / "p.key").write_text("new-key")
    await settle(watcher)
    (settings,) = running.applied
    assert settings.providers["p"].api_key.get_secret_value() == "new-key"


async def test_the_task_takes_a_change_by_itself(path):
    """start() is all the application calls."""
    running = Running()
    watcher = watch(path, running, interval_s=0.01)
    watcher.start()
    try:
        path.write_text("[resilience]\nmax_retries = 6\n")
        await asyncio.wait_for(running.has_applied.wait(), 10)
    finally:
        await watcher.stop()
    assert running.applied[-1].resilience.max_retries == 6


async def test_fields_that_wait_for_a_restart_are_named(path):
    """The port cannot move under running connections; the retries can."""
    running = Running()
    watcher = watch(path, running)
    path.write_text("[server]\nport = 9999\n[resilience]\nmax_retries = 9\n[ledger]\nqueue_size = 200\n")
    await settle(watcher)
    assert watcher.waiting_for_restart == ["server.port", "ledger.queue_size"]
    assert restart_needed(Settings(), Settings()) == []
