"""The child process that holds the model: `python -m naru.hosting.llamacpp`, started by LocalModel alone.

It reads one JSON line of parameters from stdin (so that no key stands in the process list), serves
OpenAI's HTTP on 127.0.0.1, reports one JSON line on stdout, and ends when stdin does: when its parent
dies, however it dies, nothing stays behind. The road never imports this module.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

# A reply without max_tokens ends here: a small model that loops would otherwise fill its whole context.
_DEFAULT_REPLY_TOKENS = 1024

# Embedded inputs are read in one physical batch, so this is also the longest input of an embedding.
_BATCH_TOKENS = 2048


def _serve(parameters: dict[str, Any]) -> Any:
    import xllamacpp  # noqa: PLC0415 - 100 MB of engine that only this process may load

    params = xllamacpp.CommonParams()
    params.model.path = parameters["path"]
    params.model_alias = {parameters["name"]}
    params.hostnames = ["127.0.0.1"]
    params.port = parameters["port"]
    params.reuse_port = True  # the parent holds the port bound, so that no other program can take it
    params.api_keys = [parameters["api_key"]]
    params.cors_origins = ""
    params.n_ctx = parameters["context_tokens"]
    params.n_parallel = parameters["parallel"]
    params.kv_unified = True  # one long request may use the whole context, not its slot's share
    params.cpuparams.n_threads = parameters["threads"]
    params.cpuparams_batch.n_threads = parameters["threads"]
    params.n_batch = params.n_ubatch = _BATCH_TOKENS
    params.n_predict = _DEFAULT_REPLY_TOKENS
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.cache_ram_mib = 0  # its default keeps up to 8 GiB of past prompts
    params.verbosity = 1  # errors only: higher levels may print text
    params.endpoint_slots = False  # it shows prompts
    params.endpoint_props = False
    params.ui = False
    params.use_jinja = True
    if parameters["is_default_model"]:
        # The GGUF's own template knows no tools. Temperature and top_p as its makers advise.
        params.chat_template = Path(__file__).with_name("chat.jinja").read_text("utf-8")
        params.sampling.temp = 0.2
        params.sampling.top_p = 0.9
    return xllamacpp.Server(params)


def main() -> int:
    """Serve until stdin ends. Returns 1 when the model cannot be loaded."""
    parameters = json.loads(sys.stdin.buffer.readline())
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # llama.cpp prints on stdout, which is ours
    with suppress(OSError):
        os.nice(5)  # the gateway's event loop goes first on a shared core

    def report(**fact: object) -> None:
        reports.write(json.dumps(fact) + "\n")
        reports.flush()

    try:
        server = _serve(parameters)
    except Exception as error:  # noqa: BLE001 - the edge of a process: the parent must learn the reason
        report(event="failed", reason=f"{type(error).__name__}: {error}")
        return 1
    report(event="ready", address=server.listening_address)
    sys.stdin.buffer.read()
    os._exit(0)  # llama.cpp's destructors wait for generations nobody reads any more


if __name__ == "__main__":
    sys.exit(main())
