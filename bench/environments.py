"""The rivals, each in an environment of its own under `.bench/`, at versions named here and nowhere else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.processes import BenchError

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".bench"

LITELLM = "1.109.1"
PORTKEY = "1.15.2"
# Newer ones break its streaming on Node (Portkey-AI/gateway issue 1389): with them it would have no figures.
PORTKEY_HONO_SERVER = "1.14.1"
# LiteLLM pins these to the day of its release; a package mirror that lags behind by a day would keep it out.
# Neither runs here: one holds database migrations, the other certificates.
LITELLM_LOOSE = ("certifi", "litellm-proxy-extras")


def require_tools() -> None:
    """Raises BenchError naming the package that brings a missing tool."""
    for tool, package in (("wrk", "wrk"), ("taskset", "util-linux")):
        if shutil.which(tool) is None:
            raise BenchError(f"`{tool}` is missing: apt-get install {package}")


def install_litellm() -> Path:
    """The `litellm` command of its environment, made first when it is missing or of another version."""
    home = HOME / "litellm"
    command = home / "bin" / "litellm"
    python = home / "bin" / "python"
    if command.exists() and _read_python_version(python, "litellm") == LITELLM:
        return command
    print(f"making .bench/litellm: litellm[proxy]=={LITELLM} (a minute or two)", flush=True)
    HOME.mkdir(exist_ok=True)
    _run([sys.executable, "-m", "venv", "--clear", str(home)])
    _run([str(python), "-m", "pip", "install", "-q", "uv"])
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as loose:
        loose.write("\n".join(LITELLM_LOOSE))
        loose.flush()
        uv = str(home / "bin" / "uv")
        install = ["pip", "install", "-q", "--python", str(python), "--override", loose.name]
        _run([uv, *install, f"litellm[proxy]=={LITELLM}"])
    return command


def install_portkey() -> list[str]:
    """The command that starts Portkey's gateway, installed first when it is missing or of another version."""
    if shutil.which("npm") is None:
        raise BenchError("`npm` is missing: apt-get install npm")
    home = HOME / "portkey"
    package = home / "node_modules" / "@portkey-ai" / "gateway"
    wanted = {
        "private": True,
        "dependencies": {"@portkey-ai/gateway": PORTKEY},
        "overrides": {"@hono/node-server": PORTKEY_HONO_SERVER},
    }
    manifest = home / "package.json"
    is_current = manifest.exists() and json.loads(manifest.read_text(encoding="utf-8")) == wanted
    if not (is_current and package.exists()):
        print(f"making .bench/portkey: @portkey-ai/gateway@{PORTKEY}", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        manifest.write_text(json.dumps(wanted), encoding="utf-8")
        _run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], home)
    return ["node", str(package / "build" / "start-server.js")]


def read_node_version() -> str:
    return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def _read_python_version(python: Path, package: str) -> str | None:
    code = f"from importlib.metadata import version; print(version('{package}'))"
    result = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else None


def _run(command: list[str], cwd: Path | None = None) -> None:
    result = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BenchError(f"`{' '.join(command[:4])} …` failed:\n{(result.stderr or result.stdout)[-1500:]}")
