"""Files that checkpoints are copied to: only what lies outside the database shows a cut-off end."""

from __future__ import annotations

import logging
import os
from pathlib import Path

_log = logging.getLogger(__name__)

FILE_NAME = "audit-checkpoints.txt"
_TAIL_BYTES = 65_536  # some hundred notes: the newest is asked for, and replicas may share one file


class WitnessFile:
    """Appends notes to one file, each followed by an empty line.

    Args:
        path: may lie on another file system (a share, a folder that is backed up elsewhere).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last_error = ""

    def append(self, note: str) -> None:
        """Never raises: a share that is away must not stop the log. The next checkpoint covers this one."""
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            with os.fdopen(descriptor, "ab") as file:
                file.write(note.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if not self.last_error:
                _log.error("a checkpoint could not be copied to %s (%s)", self.path, error.strerror)
            self.last_error = error.strerror or type(error).__name__
        else:
            self.last_error = ""

    def holds(self, note: str) -> bool:
        """Whether the note stands near the end of the file. An unreadable file holds nothing."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                return note.encode() in file.read()
        except OSError:
            return False
