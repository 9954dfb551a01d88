"""Requests per second at 64 connections, by `wrk`, in interleaved rounds.

No prompt comes twice within any gateway's memory: the user's words differ from request to request, and only
the system prompt stays, as in use.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contenders import Target
from bench.figures import median, spread
from bench.http1 import Endpoint
from bench.machine import Cores
from bench.processes import BenchError

CONNECTIONS = 64
PROMPT = (
    "A company runs its models on machines of its own, at edge sites and in two clouds. Name the three "
    "figures that its FinOps team should look at first thing every morning, and say in one sentence each "
    "why. It is for {}."
)
_SLOT = "{}"
_WORDS = """
buyers sellers nurses teachers pilots bakers clerks farmers editors drivers lawyers tailors brokers masons
sailors judges cooks guards miners monks calm busy keen tired new old proud shy quick slow bold kind wise
young stern merry quiet loud brave plain
"""
_SCRIPT = """
wrk.method = "POST"
{headers}
local requests, at = {{}}, {start}
init = function()
    local words = {{ {words} }}
    for _, a in ipairs(words) do for _, b in ipairs(words) do for _, c in ipairs(words) do
        requests[#requests + 1] = wrk.format(nil, nil, nil, {before} .. a .. " " .. b .. " " .. c .. {after})
    end end end
end
request = function()
    at = at + 1
    return requests[at % #requests + 1]
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the load generator saw."""

    requests: int
    per_second: float
    failures: int


@dataclass(frozen=True, slots=True)
class Throughput:
    """All rounds of one target; `void` says why they count for nothing."""

    rounds: tuple[float, ...]
    failures: int
    void: str = ""

    @property
    def per_second(self) -> float:
        return median(self.rounds)

    @property
    def spread(self) -> float:
        return spread(self.rounds)


def measure(
    targets: Sequence[Target], upstream: str, plan: tuple[int, int, int], cores: Cores, folder: Path
) -> dict[str, Throughput]:
    """A B C D, A B C D …: what disturbs one round disturbs its neighbours too.

    `plan`: seconds to warm up (imports, connections, compiled code), rounds, and seconds of each.
    """
    warm_s, rounds, seconds = plan
    loads: dict[str, list[Load]] = {target.name: [] for target in targets}
    broken: dict[str, str] = {}
    for target in targets:
        _try_load(target, upstream, warm_s, cores, folder, broken)
    for index in range(rounds):
        for target in targets:
            if target.name in broken:
                continue
            load = _try_load(target, upstream, seconds, cores, folder, broken)
            if load is not None:
                loads[target.name].append(load)
                print(f"    round {index + 1}: {target.name:8} {load.per_second:9,.0f} req/s", flush=True)
    results: dict[str, Throughput] = {}
    for name, runs in loads.items():
        failures = sum(run.failures for run in runs)
        void = broken.get(name, "")
        if failures:
            void = f"{failures} of {sum(run.requests for run in runs)} requests failed"
        if not runs:
            void = void or "no round was measured"
        results[name] = Throughput(tuple(run.per_second for run in runs), failures, void)
    return results


def _try_load(
    target: Target, upstream: str, seconds: int, cores: Cores, folder: Path, broken: dict[str, str]
) -> Load | None:
    try:
        target.process.check_alive()
        return run_wrk(target, upstream, seconds, cores, folder)
    except BenchError as error:
        broken[target.name] = str(error)
        print(f"    {target.name}: {error}", flush=True)
        return None


def run_wrk(target: Target, upstream: str, seconds: int, cores: Cores, folder: Path) -> Load:
    """One run of the load generator; a long time-out, so that a slow gateway is slow and not failing."""
    endpoint = target.endpoints[upstream]
    script = folder / f"wrk-{target.name}-{upstream}.lua"
    script.write_text(write_script(endpoint), encoding="utf-8")
    command = ["taskset", "-c", ",".join(map(str, sorted(cores.client))), "wrk", "-t1", f"-c{CONNECTIONS}"]
    command += [f"-d{seconds}", "--timeout", "30s", "-s", str(script)]
    url = f"http://127.0.0.1:{endpoint.port}{endpoint.path}"
    result = subprocess.run(
        [*command, url], capture_output=True, text=True, check=False, timeout=seconds + 60
    )
    if result.returncode != 0:
        raise BenchError(f"wrk failed: {(result.stderr or result.stdout).strip()[-300:]}")
    return read_wrk(result.stdout)


def write_script(endpoint: Endpoint) -> str:
    """wrk's script: 64,000 prompts in turn, from a place of its own in each run."""
    body = endpoint.build_body(PROMPT, max_tokens=256, temperature=0.2).decode()
    before, after = body.split(_SLOT)
    headers = {"content-type": "application/json", **endpoint.headers}
    words = _WORDS.split()
    return _SCRIPT.format(
        headers="\n".join(f"wrk.headers[{_quote_lua(k)}] = {_quote_lua(v)}" for k, v in headers.items()),
        words=", ".join(map(_quote_lua, words)),
        start=time.time_ns() % len(words) ** 3,
        before=_quote_lua(before),
        after=_quote_lua(after),
    )


def read_wrk(output: str) -> Load:
    """wrk's report, which names errors only when there are some."""
    requests = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", output)
    if requests is None or rate is None:
        raise BenchError(f"wrk's report is not understood: {output[-300:]}")
    failures = sum(int(count) for count in re.findall(r"Non-2xx or 3xx responses: (\d+)", output))
    for line in re.findall(r"Socket errors: (.*)", output):
        failures += sum(int(count) for count in re.findall(r"\d+", line))
    return Load(int(requests[1]), float(rate[1]), failures)


def _quote_lua(text: str) -> str:
    """JSON's escapes are Lua's too as long as the text is ASCII or raw UTF-8."""
    return json.dumps(text, ensure_ascii=False)
