"""`python -m naru.testing.upstream --port 9100 --delay-ms 20`: the scripted upstream as a process."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

import msgspec

from naru.testing.upstream.script import Script, overlay
from naru.testing.upstream.server import Upstream

# option: the script's field, its type, what it does
_SHORTCUTS: dict[str, tuple[str, type, str]] = {
    "--reply": ("reply", str, "text of the answer"),
    "--tokens": ("tokens", int, "answer with so many made-up tokens"),
    "--delay-ms": ("delay_first_ms", float, "wait before a whole answer, or a stream's first token"),
    "--headers-delay-ms": ("delay_headers_ms", float, "wait before the headers"),
    "--token-delay-ms": ("delay_token_ms", float, "wait between two tokens of a stream"),
    "--stall-after-tokens": ("stall_after_tokens", int, "say nothing more after so many tokens"),
    "--reset-at-byte": ("reset_at_byte", int, "reset the connection at this byte of the body"),
    "--close-at-byte": ("close_at_byte", int, "end the body at this byte"),
    "--error-status": ("error_status", int, "answer with this HTTP error"),
    "--error-times": ("error_times", int, "only the first so many times"),
    "--retry-after": ("retry_after", float, "seconds, said with the error"),
    "--usage-place": ("usage_place", str, "where the usage stands"),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m naru.testing.upstream", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--keep", type=int, default=0, help="how many requests to remember")
    parser.add_argument("--script", default="{}", help="any field of Script, as a JSON object")
    for option, (field, type, text) in _SHORTCUTS.items():
        parser.add_argument(option, dest=field, type=type, help=text)
    return parser


def read_script(options: argparse.Namespace) -> Script:
    """The script of `--script`, with the shortcuts laid over it. Raises ValueError."""
    said = {field: getattr(options, field) for field, _, _ in _SHORTCUTS.values()}
    shortcuts = {field: value for field, value in said.items() if value is not None}
    return overlay(overlay(Script(), options.script), msgspec.json.encode(shortcuts))


async def _serve(upstream: Upstream) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with upstream:
        sys.stdout.write(f"listening on {upstream.url}\n")
        sys.stdout.flush()
        await stop.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        script = read_script(options)
    except ValueError as problem:
        parser.error(f"this script cannot be read: {problem}")
    upstream = Upstream(script, host=options.host, port=options.port, keep=options.keep)
    try:
        import uvloop  # noqa: PLC0415 - not to be had on every platform
    except ImportError:
        asyncio.run(_serve(upstream))
    else:
        uvloop.run(_serve(upstream))


if __name__ == "__main__":
    main()
