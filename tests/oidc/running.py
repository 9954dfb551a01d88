"""Installs and runs the certified provider of `provider.mjs` (npm's oidc-provider, by panva).

It is installed once into a git-ignored folder, by the pinned version that also runs on Debian's Node 18.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.services import missing

VERSION = "8.8.1"
FOLDER = Path(__file__).parents[2] / ".bench" / "oidc-provider"
SCRIPT = Path(__file__).with_name("provider.mjs")


def install() -> None:
    """Put the package beside a copy of the script, unless it is there."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing("npm")
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp = FOLDER / f".installed-{VERSION}"
    if not stamp.exists():
        (FOLDER / "package.json").write_text('{"private": true, "type": "module"}')
        command = ["npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"]
        done = subprocess.run(
            [*command, f"oidc-provider@{VERSION}"], cwd=FOLDER, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        stamp.touch()
    shutil.copy(SCRIPT, FOLDER / SCRIPT.name)  # node looks for packages beside the script


@contextlib.contextmanager
def running_provider(port: int, *, redirect_uri: str, post_logout_uri: str) -> Iterator[str]:
    """The provider, answering; gives its issuer."""
    install()
    command = ["node", SCRIPT.name, str(port), redirect_uri, post_logout_uri]
    process = subprocess.Popen(command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == "ready\n", process.stderr.read() if process.stderr else said
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=10)
