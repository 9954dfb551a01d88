"""Who is measured, and how each is started: one worker, a key check where it has one, no extra logging."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.environments import LITELLM, PORTKEY, ROOT, install_litellm, install_portkey, read_node_version
from bench.http1 import Connection, Endpoint
from bench.machine import Cores
from bench.processes import BenchError, Process, find_free_port

FAST, SLOW, PACED = "fast", "slow", "paced"
MODELS = {FAST: "gpt-4o-mini", SLOW: "gpt-4o", PACED: "gpt-4.1-mini"}
"""Gateways that route by the model's name send each to its own upstream: one that answers at once, one that
takes 20 ms, and one that streams a token every 20 ms."""
SLOW_MS = 20
PACE_MS = 20
REPLY = "A river crossing is where two roads become one."
MAX_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Target:
    """Something that can be asked: a running gateway, or the upstream itself as the baseline."""

    name: str
    title: str
    process: Process
    endpoints: Mapping[str, Endpoint]


@dataclass(frozen=True, slots=True)
class Place:
    """What a contender needs to be started."""

    folder: Path
    cores: Cores
    upstream_ports: Mapping[str, int]

    def base_url(self, upstream: str) -> str:
        return f"http://127.0.0.1:{self.upstream_ports[upstream]}/v1"


def start_upstream(folder: Path, cores: Cores, kind: str) -> tuple[Process, int]:
    """The project's scripted upstream in a process of its own. Streamed tokens are numbered: a lost, doubled
    or swapped one shows."""
    port = find_free_port()
    script: dict[str, object] = {"reply": REPLY, "finish_reason": "stop"}
    if kind == SLOW:
        script["delay_first_ms"] = SLOW_MS
    if kind == PACED:
        tokens = [f" {index}" for index in range(MAX_TOKENS)]
        script |= {"tokens": tokens, "honour_max_tokens": True, "delay_token_ms": PACE_MS}
    command = [sys.executable, "-m", "naru.testing.upstream", "--port", str(port)]
    name = f"upstream-{kind}"
    command += ["--script", json.dumps(script)]
    process = Process(name, command, cores.upstream, folder / f"{name}.log", cwd=ROOT)
    process.wait_for_port(port, 20)
    return process, port


def make_direct(place: Place, processes: Mapping[str, Process]) -> Target:
    """The baseline: the client asks the upstream itself."""
    ends = {kind: Endpoint(port, MODELS[kind]) for kind, port in place.upstream_ports.items()}
    return Target("direct", "no gateway", processes[FAST], ends)


def launch_naru(place: Place, home: Path) -> tuple[Process, int]:
    """Naru as `naru up` starts it, the embedded model off; metering and ledger are always on."""
    port = find_free_port()
    config = place.folder / "naru.toml"
    providers = "".join(
        f'[providers.{kind}]\nkind = "openai-compatible"\nbase_url = "{place.base_url(kind)}"\n'
        f'api_key = "x"\nvendor = "openai"\nmodels = ["*"]\n\n'
        for kind in MODELS
    )
    models = "".join(
        f'[models."{model}"]\ntargets = ["{kind}/{model}"]\n\n' for kind, model in MODELS.items()
    )
    config.write_text(f"[local]\nenabled = false\n\n{providers}{models}", encoding="utf-8")
    command = [str(ROOT / ".venv" / "bin" / "naru"), "up", "--config", str(config), "--home", str(home)]
    process = Process("naru", [*command, "--port", str(port)], place.cores.gateway, place.folder / "naru.log")
    return process, port


def naru_endpoints(home: Path, port: int) -> dict[str, Endpoint]:
    key = (home / "admin.key").read_text(encoding="utf-8").strip()
    return {kind: Endpoint(port, model, {"authorization": f"Bearer {key}"}) for kind, model in MODELS.items()}


def _start_naru(place: Place, processes: list[Process]) -> Target:
    home = place.folder / "naru-home"
    process, port = launch_naru(place, home)
    processes.append(process)
    process.wait_for_port(port, 30)
    return Target("naru", "Naru", process, naru_endpoints(home, port))


def _start_bare(place: Place, processes: list[Process]) -> Target:
    port = find_free_port()
    command = [sys.executable, "-m", "bench.bare", "--port", str(port)]
    for kind in MODELS:
        command += ["--upstream", place.base_url(kind)]
    process = Process("bare", command, place.cores.gateway, place.folder / "bare.log", cwd=ROOT)
    processes.append(process)
    process.wait_for_port(port, 20)
    ends = {
        kind: Endpoint(port, model, {"authorization": "Bearer x", "x-bench-upstream": str(index)})
        for index, (kind, model) in enumerate(MODELS.items())
    }
    return Target("bare", "bare proxy", process, ends)


def _start_litellm(place: Place, processes: list[Process]) -> Target:
    command = install_litellm()
    port = find_free_port()
    models = [
        {
            "model_name": model,
            "litellm_params": {
                "model": f"openai/{model}",
                "api_base": place.base_url(kind),
                "api_key": "x",
            },
        }
        for kind, model in MODELS.items()
    ]
    config = {
        "model_list": models,
        "general_settings": {"master_key": "sk-bench"},
        "litellm_settings": {"num_retries": 0},
    }
    path = place.folder / "litellm.yaml"
    path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    options = ["--config", str(path), "--host", "127.0.0.1", "--port", str(port)]
    process = Process(
        "litellm",
        [str(command), *options, "--num_workers", "1", "--telemetry", "False"],
        place.cores.gateway,
        place.folder / "litellm.log",
        env={
            "LITELLM_LOG": "ERROR",
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_TELEMETRY": "False",
        },
        cwd=place.folder,
    )
    processes.append(process)
    process.wait_for_port(port, 120)
    headers = {"authorization": "Bearer sk-bench"}
    ends = {kind: Endpoint(port, model, headers) for kind, model in MODELS.items()}
    return Target("litellm", f"LiteLLM {LITELLM}", process, ends)


def _start_portkey(place: Place, processes: list[Process]) -> Target:
    command = install_portkey()
    port = find_free_port()
    process = Process(
        "portkey",
        [*command, f"--port={port}", "--headless"],
        place.cores.gateway,
        place.folder / "portkey.log",
        env={"NODE_ENV": "production"},
        cwd=place.folder,
    )
    processes.append(process)
    process.wait_for_port(port, 30)
    ends = {
        kind: Endpoint(
            port,
            model,
            {
                "authorization": "Bearer x",
                "x-portkey-provider": "openai",
                "x-portkey-custom-host": place.base_url(kind),
            },
        )
        for kind, model in MODELS.items()
    }
    return Target("portkey", f"Portkey {PORTKEY} (Node {read_node_version()})", process, ends)


STARTERS: dict[str, Callable[[Place, list[Process]], Target]] = {
    "naru": _start_naru,
    "bare": _start_bare,
    "portkey": _start_portkey,
    "litellm": _start_litellm,
}
"""Each adds its process to the list as soon as it lives, so that one that never answers is stopped too."""


def wait_until_answering(target: Target, timeout_s: float = 60) -> None:
    """Until every upstream answers 200 through the gateway: what is measured later is known to work."""
    end = time.monotonic() + timeout_s
    for kind, endpoint in target.endpoints.items():
        request = endpoint.build_request(endpoint.build_body("Are you there?", max_tokens=8))
        last = "no answer"
        while True:
            target.process.check_alive()
            try:
                with Connection(endpoint.port) as connection:
                    status, body = connection.ask(request)
                if status == 200 and b'"choices"' in body:
                    break
                last = f"{status}: {body[:300]!r}"
            except OSError as error:
                last = str(error)
            if time.monotonic() > end:
                raise BenchError(f"{target.name} does not answer for the {kind} upstream: {last}")
            time.sleep(0.1)
