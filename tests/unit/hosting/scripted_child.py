"""A child that speaks the supervisor's protocol without a model: argv[1] says how it behaves."""

import json
import os
import signal
import sys
from pathlib import Path

behaviour = sys.argv[1]
parameters = json.loads(sys.stdin.buffer.readline())


def report(**fact):
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


if behaviour == "refuse":
    report(event="failed", reason="RuntimeError: not a GGUF file")
    sys.exit(1)
if behaviour == "die-loading":
    sys.stderr.write("loader: out of memory\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGABRT)
if behaviour == "leave-word":
    word = {"parameters": parameters, "environment": dict(os.environ), "command": " ".join(sys.orig_argv)}
    Path(sys.argv[2]).write_text(json.dumps(word), encoding="utf-8")
if behaviour == "chatter":
    sys.stderr.write("noise\n" * 100_000)  # far more than a pipe holds
    sys.stderr.flush()
if behaviour == "never-ready":
    sys.stdin.buffer.read()
    sys.exit(0)
report(event="ready")
if behaviour == "deaf":
    signal.pause()
sys.stdin.buffer.read()
