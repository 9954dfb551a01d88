"""The upstream's own two calls, for whoever runs it as a process: its counters, and a change of script.

No provider has such paths, so nothing a gateway sends can meet them by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from naru.testing.upstream.answer import Answer
from naru.testing.upstream.received import Received
from naru.testing.upstream.script import Script, overlay
from naru.testing.upstream.turn import Piece

PREFIX = "/-/"


def answer(
    received: Received, counters: Mapping[str, int], set_scripts: Callable[[Sequence[Script]], None]
) -> Answer:
    """`GET /-/counters`, or `PUT /-/script` with one script or a list of them."""
    if (received.method, received.target) == ("GET", "/-/counters"):
        return _answer(200, counters)
    if (received.method, received.target) == ("PUT", "/-/script"):
        try:
            said = msgspec.json.decode(received.body)
            scripts = said if isinstance(said, list) else [said]
            set_scripts([overlay(Script(), msgspec.json.encode(script)) for script in scripts])
        except ValueError as problem:
            return _answer(400, {"error": f"This script cannot be read: {problem}"})
        return _answer(200, {"scripts": len(scripts)})
    return _answer(404, {"error": "GET /-/counters and PUT /-/script are all there is."})


def _answer(status: int, value: object) -> Answer:
    piece = Piece("close", msgspec.json.encode(value))
    return Answer(status, "application/json", [], [piece], script=Script())
