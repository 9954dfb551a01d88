"""Runs one Naru: loads the settings, serves, reloads on SIGHUP, stops without losing a row."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import signal
import sys
from pathlib import Path

import uvicorn
import uvloop

from naru.app import App
from naru.kernel.errors import NaruError
from naru.settings import Settings, load
from naru.web.http import BoundedHttpProtocol

_DEFAULT_CONFIG = Path("naru.toml")
_KEEP_ALIVE_S = 75
"""Longer than the idle time of common load balancers (60 s), so that they close first and never race us."""
_BACKLOG = 2048
_QUESTION = '{"model": "%s", "messages": [{"role": "user", "content": "What is the capital of Korea?"}]}'


def run(*, config: Path | None, home: Path, host: str | None, port: int | None, ready_s: float) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        config: settings file; None looks for naru.toml in the working folder.
        home: folder of the database and the admin key.
        host: overrides server.host.
        port: overrides server.port; 0 takes a free one.
        ready_s: longest wait for the embedded model before saying that it is still loading.

    Raises:
        ConfigError: the settings are refused.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    path = config or _DEFAULT_CONFIG
    settings = load(path if config is not None or path.exists() else None, os.environ)
    address = (host or settings.server.host, settings.server.port if port is None else port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, path, home, address, ready_s))


async def _serve(
    settings: Settings, config_path: Path, home: Path, address: tuple[str, int], ready_s: float
) -> None:
    app = App(settings, home=home, config_path=config_path, environ=os.environ)
    await app.start()
    try:
        server = _Server(
            uvicorn.Config(
                app.asgi,
                host=address[0],
                port=address[1],
                http=BoundedHttpProtocol,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="warning",
                server_header=False,
                proxy_headers=False,  # a forwarded address is a claim; the ledger holds none
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=round(settings.server.shutdown_grace_s),
                backlog=_BACKLOG,
            ),
            app,
            ready_s,
        )
        loop = asyncio.get_running_loop()
        reloads: set[asyncio.Task[bool]] = set()

        def reload() -> None:
            task = loop.create_task(app.watcher.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)
        await server.serve()
        if not server.started:
            sys.exit(1)
    finally:
        await app.stop()


class _Server(uvicorn.Server):
    """uvicorn's server, which says how to use Naru once it listens."""

    def __init__(self, config: uvicorn.Config, app: App, ready_s: float) -> None:
        super().__init__(config)
        self._app = app
        self._ready_s = ready_s
        self._greeting: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            self._greeting = asyncio.create_task(self._greet())

    async def _greet(self) -> None:
        app = self._app
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
            shown = "127.0.0.1"
        base = f"http://{shown}:{port}"
        key = app.admin_key_path
        _say(f"Naru is up.\n\n  Console    {base}/\n  Admin key  {key.resolve()}  (keep it secret)")
        model = next(iter(app.list_models()), None)
        if app.local is not None:
            _say("  Model      loading the embedded model ...")
            try:
                await app.local.wait_ready(self._ready_s)
            except NaruError:
                why = app.local.reason or "it is still loading"
                _say(f"  Model      not ready: {why}")
        elif app.local_reason:
            _say(f"  Model      the embedded model is off: {app.local_reason}")
        if model is None:
            _say("\nNo model is configured yet: `naru config init` writes a naru.toml to fill in.")
            return
        _say(
            f"\nTry it:\n\n"
            f"  curl -s {base}/v1/chat/completions \\\n"
            f'    -H "Authorization: Bearer $(cat {shlex.quote(str(key.resolve()))})" \\\n'
            f"    -H 'Content-Type: application/json' \\\n"
            f"    -d '{_QUESTION % model}'\n\n"
            f"Ctrl-C stops Naru."
        )


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the person at the terminal is waiting for
