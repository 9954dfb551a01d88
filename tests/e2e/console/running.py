"""A whole Naru on a free port, in a thread of its own: what the browser tests look at.

`python -m tests.e2e.console.running` serves a seeded one for a person to look at.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from naru.app import App
from naru.settings.model import Identity, Local, Model, Price, Provider, Settings
from naru.testing.upstream import ThreadedUpstream


@dataclass(frozen=True)
class Running:
    """Where it answers and what opens it."""

    url: str
    admin_key: str
    upstream: ThreadedUpstream


@contextlib.contextmanager
def running_naru(
    home: Path, identity: Identity | None = None, prices: tuple[Price, ...] = ()
) -> Iterator[Running]:
    """Naru with one scripted provider and no embedded model."""
    with ThreadedUpstream() as upstream, socket.create_server(("127.0.0.1", 0)) as listener:
        settings = Settings(
            local=Local(enabled=False),
            identity=identity or Identity(),
            prices=prices,
            providers={
                "scripted": Provider(
                    kind="openai-compatible", base_url=upstream.url + "/v1", api_key="sk-test", models=("*",)
                )
            },
            models={
                "gpt-scripted": Model(targets=("scripted/gpt-scripted",), description="Answers at once.")
            },
        )
        app = App(settings, home=home, config_path=home / "naru.toml", environ={})
        ready, failure = threading.Event(), []
        server: list[uvicorn.Server] = []

        async def serve() -> None:
            await app.start()
            config = uvicorn.Config(app.asgi, log_level="warning", lifespan="off")
            server.append(uvicorn.Server(config))
            ready.set()  # the socket listens already: who connects now waits in its backlog
            await server[0].serve(sockets=[listener])
            await app.stop()

        def run() -> None:
            try:
                asyncio.run(serve())
            except BaseException as error:
                failure.append(error)
                ready.set()
                raise

        thread = threading.Thread(target=run, name="naru")
        thread.start()
        assert ready.wait(20), "Naru did not start"
        if failure:
            raise failure[0]
        host, port = listener.getsockname()[:2]
        try:
            yield Running(f"http://{host}:{port}", app.admin_key, upstream)
        finally:
            server[0].should_exit = True
            thread.join(20)


if __name__ == "__main__":
    from tests.e2e.console.seed import seed

    with tempfile.TemporaryDirectory() as folder:
        seed(Path(folder))
        with running_naru(Path(folder)) as naru:
            sys.stderr.write(f"{naru.url} {naru.admin_key}\n")
            threading.Event().wait()
