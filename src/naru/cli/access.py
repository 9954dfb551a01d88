"""The options of every command that administers, in one place: which Naru, with which key, printed how."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final

from naru.cli.control import HOME, HomeOption, JsonOption, KeyOption, UrlOption, open_control

if TYPE_CHECKING:
    from naru.cli.control import Control


@dataclass(frozen=True, slots=True)
class Access:
    """What was given of them."""

    home: HomeOption = HOME
    url: UrlOption = None
    key: KeyOption = None
    as_json: JsonOption = False

    def open(self) -> Control:
        """The control API that they lead to."""
        return open_control(self.home, self.url, self.key)


_OPTIONS: Final = inspect.signature(Access, eval_str=True).parameters.values()


def with_access(command: Callable[Concatenate[Access, ...], None]) -> Callable[..., None]:
    """`command` with these options behind its own, in the place of its first parameter."""
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @functools.wraps(command)
    def run(home: Path, url: str | None, key: str | None, as_json: bool, **given: Any) -> None:
        command(Access(home, url, key, as_json), **given)

    run.__signature__ = inspect.Signature([*own, *_OPTIONS])  # type: ignore[attr-defined]  # typer reads it
    return run
