"""`naru up`: start Naru and say how to use it."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated

import typer

_READY_S = 120.0


def up(
    config: Annotated[
        Path | None,
        typer.Option(help="Settings; default: naru.toml in this folder if there is one.", dir_okay=False),
    ] = None,
    home: Annotated[
        Path, typer.Option(help="Folder of the database and the admin key; made at the first start.")
    ] = Path(".naru"),
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to listen on; default 8400, 0 takes a free one."),
    ] = None,
) -> None:
    """Start Naru: gateway, console and control API on one port.

    The first start makes HOME, the database and HOME/admin.key. Without a naru.toml the embedded model
    answers alone; `naru config init` writes one to fill in. Changes of naru.toml are taken up while
    running (or at once on SIGHUP); a bad file is refused and the running settings stay. Ctrl-C stops
    after the calls in flight are done.
    """
    # What is imported and built stays: looking for garbage in it takes a quarter of the start. `run` turns
    # the collector on again once it serves.
    gc.disable()
    from naru.server import run

    run(config=config, home=home, host=host, port=port, ready_s=_READY_S)
