"""SQLite files at the newest step, copied instead of migrated: the steps have tests of their own, and a copy
takes a tenth of their time."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from naru.engines.sql.sqlite import FILE_NAME, SqliteEngine


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        engine = SqliteEngine(path)
        engine.migrate()
        engine.close()  # the last connection writes the log beside the file into it
        return path.read_bytes()


def place(path: Path) -> Path:
    """`path`, with a migrated and otherwise empty database there unless there is one."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(_migrated())
    return path
