"""Runs one Naru: loads the settings, serves, reloads on SIGHUP, stops without losing a row."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
import os
import resource
import shlex
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
import uvloop

from naru.app import App
from naru.kernel.errors import ConfigError, NaruError
from naru.settings import Settings, load
from naru.web.http import BoundedHttpProtocol

_DEFAULT_CONFIG = Path("naru.toml")
_KEEP_ALIVE_S = 75
"""Longer than the idle time of common load balancers (60 s), so that they close first and never race us."""
_BACKLOG = 2048
_OPEN_FILES = 65_536
_UNREAD_MS = 60_000
"""How long a client may leave what it was sent unread before the system cuts its connection."""
_GC_YOUNG = 20_000
_SWITCH_S = 0.0005
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
        ConfigError: the settings are refused, or the address is taken.
    """
    gc.freeze()  # modules: 160,000 objects that no collection need look at
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it reports each plugin it loads
    path = config or _DEFAULT_CONFIG
    settings = load(path if config is not None or path.exists() else None, os.environ)
    _raise_open_files()
    listener = bind(host or settings.server.host, settings.server.port if port is None else port)
    with listener, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, path, home, listener, ready_s))


def _raise_open_files() -> None:
    """As many open files as the system allows: the usual 1,024 are 500 streams, and then not even the ledger
    could be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address, before anything else is started.

    Raises:
        ConfigError: the address is taken, not ours, or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle off only on sockets that say they are TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections inherit it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)  # whoever calls from now on waits instead of being refused
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on port {port} ({error.strerror or 'unknown host'}). Choose another address with "
            "--host and --port, or in [server] of naru.toml.",
            path=host,
        ) from None
    return listener


class _Server(uvicorn.Server):
    """uvicorn's, whose signals end `serve` and nothing else.

    As it comes it raises them again after `serve`: SIGTERM would kill the process with the last rows of the
    ledger unwritten.
    """

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _on_signal(self) -> None:
        self.force_exit = self.should_exit  # the second one does not wait for running calls
        self.should_exit = True

    async def cancel_calls(self) -> None:
        """End what still runs, so that its rows reach the ledger before the ledger stops."""
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def new_server(app: App) -> _Server:
    """The HTTP server of a started `app`; serve it on a socket of `bind`."""
    return _Server(
        uvicorn.Config(
            app.asgi,
            http=BoundedHttpProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            proxy_headers=False,  # a forwarded address is a claim; the ledger holds none
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=round(app.settings.server.shutdown_grace_s),
            backlog=_BACKLOG,
        )
    )


async def _serve(
    settings: Settings, config_path: Path, home: Path, listener: socket.socket, ready_s: float
) -> None:
    app = App(settings, home=home, config_path=config_path, environ=os.environ)
    try:
        await app.start()
        loop = asyncio.get_running_loop()
        reloads: set[asyncio.Task[bool]] = set()

        def reload() -> None:
            task = loop.create_task(app.watcher.reload())
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)
        settle_memory()
        # The ledger's thread hands Python's lock back after half a millisecond, not after five.
        sys.setswitchinterval(_SWITCH_S)
        greeting = asyncio.create_task(_greet(app, listener, ready_s))
        server = new_server(app)
        await server.serve(sockets=[listener])
        await server.cancel_calls()
        greeting.cancel()
    finally:
        await app.stop()


def settle_memory() -> None:
    """Once everything is wired.

    It stays for good: out of the collector's sight, and with young objects gathered for longer, collecting
    costs 2 % of a request's time instead of 17 %. What the start alone needed goes back to the system.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_YOUNG, 20, 50)
    gc.enable()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc would keep 4 MiB; others have no such call
    if trim is not None:
        trim(0)


async def _greet(app: App, listener: socket.socket, ready_s: float) -> None:
    """Say how to use what is running. The socket listens already, so a pasted command waits at worst."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    base = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    key = app.admin_key_path.resolve()
    _say(f"Naru is up.\n\n  Console    {base}/\n  Admin key  {key}  (sign in with it; keep it secret)")
    if app.local is not None:
        _say("  Model      loading the embedded model ...")
        try:
            await app.local.wait_ready(ready_s)
        except NaruError:
            _say(f"  Model      not ready: {app.local.reason or 'it is still loading'}")
        else:
            _say(f"  Model      {app.local.name} (embedded) is ready")
    elif app.local_reason:
        _say(f"  Model      the embedded model is off: {app.local_reason}")
    model = next(iter(app.list_models()), None)
    if model is None:
        _say("\nNo model is configured yet: `naru config init` writes a naru.toml to fill in.")
        return
    _say(
        f"\nTry it:\n\n"
        f"  curl -s {base}/v1/chat/completions \\\n"
        f'    -H "Authorization: Bearer $(cat {shlex.quote(str(key))})" \\\n'
        f"    -H 'Content-Type: application/json' \\\n"
        f"    -d '{_QUESTION % model}'\n\n"
        f"Ctrl-C stops Naru."
    )


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the person at the terminal is waiting for
