"""The same answer through the gateway as without it: byte for byte whole, event for event streamed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.contenders import FAST, Target
from bench.http1 import Connection, Endpoint
from bench.streams import read_once

_OWN = re.compile(rb'"chatcmpl-\w+"|"created":\d+')
"""What the upstream makes anew for each answer."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Whether each form of answer is the upstream's own."""

    is_whole_same: bool
    is_stream_same: bool


def measure(targets: Sequence[Target]) -> dict[str, Fidelity]:
    """The first target is the upstream itself."""
    answers = {target.name: _read_both(target.endpoints[FAST]) for target in targets}
    whole, streamed = answers[targets[0].name]
    return {name: Fidelity(a == whole, b == streamed) for name, (a, b) in answers.items()}


def _read_both(endpoint: Endpoint) -> tuple[bytes, list[bytes]]:
    with Connection(endpoint.port) as connection:
        _, body = connection.ask(endpoint.build_request(endpoint.build_body("Say it.")))
    asked = endpoint.build_body("Say it.", stream=True, max_tokens=5, stream_options={"include_usage": True})
    return _OWN.sub(b"", body), [_OWN.sub(b"", data) for data in read_once(endpoint, asked)]
