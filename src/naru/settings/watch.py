"""Reloads `naru.toml` when it changes. A bad file is refused with line and reason; what runs keeps running.

The file is looked at, not subscribed to: that works on every file system, through atomic renames and
swapped symlinks alike. A change is taken only when the file has held still for one look, so that a file
half written (which may be valid TOML) is never applied.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from naru.kernel.clock import Clock, SystemClock
from naru.kernel.errors import ConfigError, NaruError
from naru.settings.changes import changed_fields
from naru.settings.load import load
from naru.settings.model import Settings
from naru.settings.restart import restart_needed
from naru.settings.secrets import beside

_log = logging.getLogger(__name__)

Stamp = dict[Path, tuple[int, ...] | None]
"""What `stat` says of each watched file, None for one that is not there."""

Outcome = Callable[[Sequence[str], NaruError | None], None]
"""Told what changed, or why nothing did."""


class ConfigWatcher:
    """Watches one file and hands each new valid version to `apply`.

    The files named by `api_key_file` are watched too, so that a rotated key is taken up.

    Args:
        path: the file; it need not exist yet.
        environ: where keys named by `api_key_env` are read.
        apply: makes the new settings the running ones; when it raises a NaruError, they are refused.
        current: the settings that run now.
        interval_s: seconds between looks.
        on_outcome: told of each file that was taken up (with the names of what changed) or refused.

    Attributes:
        current: the settings that run now.
        last_error: why the newest file was refused, None when it runs.
        loaded_at_ns: wall clock of the last successful load.
        waiting_for_restart: fields that differ from what the process was started with.
    """

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        apply: Callable[[Settings], Awaitable[None]],
        *,
        current: Settings,
        clock: Clock | None = None,
        interval_s: float = 1.0,
        on_outcome: Outcome | None = None,
    ) -> None:
        self.path = path
        self.current = current
        self.last_error: NaruError | None = None
        self.waiting_for_restart: list[str] = []
        self._environ = environ
        self._apply = apply
        self._has_file = path.exists()
        self._clock = clock or SystemClock()
        self._interval_s = interval_s
        self._on_outcome = on_outcome
        self._started_with = current
        self.loaded_at_ns = self._clock.now_ns()
        # Unset, so that the first look loads: the file may have changed since `current` was read.
        self._taken: Stamp | None = None
        self._pending: Stamp | None = None
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, in a task of the running loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="naru-config-watcher")

    async def stop(self) -> None:
        """Stop looking; returns when the task has ended."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        while True:
            is_settling = await self.look()
            await asyncio.sleep(self._interval_s / 4 if is_settling else self._interval_s)

    async def look(self) -> bool:
        """One look at the file: load it when it has changed and held still since the last look.

        Returns:
            True when a change was seen that has yet to hold still.
        """
        async with self._lock:
            stamp = await asyncio.to_thread(self._read_stamp)
            if stamp == self._taken:
                self._pending = None
                return False
            if stamp != self._pending:
                self._pending = stamp
                return True
            await self._load(stamp, is_asked=False)
            return False

    async def reload(self) -> bool:
        """Load the file now, changed or not (SIGHUP).

        Returns:
            True when the file is good and runs.
        """
        async with self._lock:
            return await self._load(await asyncio.to_thread(self._read_stamp), is_asked=True)

    def _read_stamp(self) -> Stamp:
        keys = [p.api_key_file for p in self.current.providers.values() if p.api_key_file is not None]
        files = [self.path, *(beside(self.path.parent, key) for key in keys)]
        return {file: _stamp(file) for file in files}

    async def _load(self, stamp: Stamp, *, is_asked: bool) -> bool:
        # When other key files are named now, the next look sees a stamp of another shape and loads once
        # more: harmless, and no change can slip in between.
        self._taken, self._pending = stamp, None
        try:
            settings = await asyncio.to_thread(self._load_file)
            if settings != self.current:
                await self._apply(settings)
        except NaruError as error:
            self._refuse(error, is_asked=is_asked)
            return False
        except Exception as error:  # noqa: BLE001 - edge of the task: it must outlive one bad apply
            # Type and place only: the text of a stranger's exception may hold a key or an address.
            where = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"could not be applied: {type(error).__name__} at {where.name}:{where.lineno}"
            self._refuse(ConfigError(reason, path=str(self.path)), is_asked=is_asked)
            return False
        self._accept(settings)
        return True

    def _load_file(self) -> Settings:
        if not self._has_file and not self.path.exists():
            # Naru was started without a file and none has come since.
            return self.current
        self._has_file = True
        return load(self.path, self._environ)

    def _accept(self, settings: Settings) -> None:
        is_new = settings != self.current or self.last_error is not None
        changed = changed_fields(self.current, settings)
        self.current = settings
        self.last_error = None
        self.loaded_at_ns = self._clock.now_ns()
        self.waiting_for_restart = restart_needed(self._started_with, settings)
        if is_new:
            waiting = ", ".join(self.waiting_for_restart)
            _log.info("settings loaded%s", f"; these wait for a restart: {waiting}" if waiting else "")
            if self._on_outcome is not None:
                self._on_outcome(changed, None)

    def _refuse(self, error: NaruError, *, is_asked: bool) -> None:
        is_known = not is_asked and self.last_error is not None and self.last_error.message == error.message
        self.last_error = error
        if not is_known:
            _log.error("settings refused, the running ones stay: %s", error.message)
            if self._on_outcome is not None:
                self._on_outcome([], error)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size
