"""The one migration chain. Each part owns its steps, as `naru/<part>/migrations/NNNN_title.py`.

The number is the revision id and each step follows the one before, so that the newest is known from the
file names alone: a start with nothing to do never imports Alembic.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

import sqlalchemy as sa

_PACKAGE = Path(__file__).parents[2]
_STEP = re.compile(r"(\d{4})_[a-z0-9_]+\.py")


def folders() -> list[Path]:
    """Where parts keep their steps; found by place, since an engine must not import what stands on it."""
    return sorted(p for p in _PACKAGE.glob("*/migrations") if p.is_dir())


@cache
def steps() -> tuple[str, ...]:
    """Every revision this code knows, oldest first."""
    names = (match[1] for folder in folders() for p in folder.iterdir() if (match := _STEP.fullmatch(p.name)))
    return tuple(sorted(names))


def head() -> str:
    """The newest revision."""
    return steps()[-1]


def before(revision: str) -> str | None:
    """The step a step stands on: parts that are built side by side need not know each other's numbers."""
    earlier = [step for step in steps() if step < revision]
    return earlier[-1] if earlier else None


def read_revision(connection: sa.Connection) -> str | None:
    """The step a database stands at, None when it is empty."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def upgrade(connection: sa.Connection) -> None:
    """Run the missing steps inside the caller's transaction: all of them, or none."""
    # Alembic brings Mako, and Mako colours tracebacks where it can: 5 MiB of lexers that would stay for good.
    sys.modules.setdefault("mako.ext.pygmentplugin", None)  # type: ignore[arg-type]  # says: not to be had
    from alembic import command  # noqa: PLC0415  a start with nothing to do must not pay for it
    from alembic.config import Config  # noqa: PLC0415  as above

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(str(p) for p in folders()))
    command.upgrade(config, "head")
