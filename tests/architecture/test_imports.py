"""The floors, and what importing may cost. Contracts: [tool.importlinter] in pyproject.toml."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import naru

SOURCE = Path(naru.__file__).parent
ROOT = SOURCE.parent.parent
RUN_AS_PROGRAM = {"naru.__main__", "naru.testing.upstream.__main__"}


def find_modules():
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        if all(part.isidentifier() for part in parts) and "migrations" not in parts:
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if name not in RUN_AS_PROGRAM:
                yield name


MODULES = list(find_modules())

# Runs in a fresh interpreter: sockets, subprocesses and threads raise, files may only be read, and the
# environment may not be asked. Third-party packages are loaded first, for their own ways are not ours.
GUARDED_IMPORT = """
import importlib, os, socket, subprocess, sys, threading, time
third_party, ours = sys.argv[1].split(), sys.argv[2].split()
for name in third_party:
    importlib.import_module(name)

def refuse(event, arguments):
    if event.startswith("socket.") and event != "socket.gethostname":
        raise AssertionError(f"{event} at import")
    if event in ("subprocess.Popen", "os.system", "os.fork", "os.exec", "os.posix_spawn", "sqlite3.connect"):
        raise AssertionError(f"{event} at import")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise AssertionError(f"{arguments[0]} opened for writing at import")

def caller():
    frame = sys._getframe(2)
    while frame and "/os.py" in frame.f_code.co_filename or "_collections_abc" in frame.f_code.co_filename:
        frame = frame.f_back
    return frame.f_globals.get("__name__", "") if frame else ""

class Environment(type(os.environ)):
    def __getitem__(self, key):
        if caller().startswith("naru"):
            raise AssertionError(f"{caller()} reads {key} from the environment at import")
        return super().__getitem__(key)

os.environ.__class__ = Environment
sys.addaudithook(refuse)
threads = threading.active_count()
for name in ours:
    importlib.import_module(name)
    assert threading.active_count() == threads, f"{name} starts a thread at import"
"""

THIRD_PARTY = (
    "aiohttp alembic alembic.command babel babel.numbers botocore fastapi fastapi.responses httptools "
    "argon2 cryptography.hazmat.primitives.ciphers.aead hyperscan itsdangerous jinja2 joserfc.jwt msgspec "
    "numpy pg8000 pydantic pyotp redis.asyncio segno sqlalchemy starlette.staticfiles "
    "starlette.concurrency typer uvicorn uvloop"
)


def test_importing_does_no_work():
    """No module opens a socket, a process, a database or a thread, writes a file or reads the environment."""
    result = subprocess.run(
        [sys.executable, "-c", GUARDED_IMPORT, THIRD_PARTY, " ".join(MODULES)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert result.returncode == 0, result.stderr[-2000:]


def test_the_guard_itself_catches_work(tmp_path):
    """The guard above sees each sort of work, so its silence means something."""
    works = {
        "naru_socket": "import socket; socket.socket().bind(('127.0.0.1', 0))",
        "naru_file": f"open({str(tmp_path / 'x')!r}, 'w').close()",
        "naru_env": "import os; os.environ.get('HOME')",
        "naru_env2": "import os; os.getenv('HOME')",
        "naru_thread": "from threading import *; Thread(target=Event().wait, daemon=True).start()",
        "naru_process": "import subprocess; subprocess.Popen(['true'])",
        "naru_database": "import sqlite3; sqlite3.connect(':memory:')",
    }
    for name, code in works.items():
        (tmp_path / f"{name}.py").write_text(code)
        result = subprocess.run(
            [sys.executable, "-c", GUARDED_IMPORT, "sqlite3", name],
            capture_output=True,
            check=False,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        )
        assert b"at import" in result.stderr, name


def test_help_is_quick():
    """`naru --help` loads no server: a command line that hesitates is not used."""
    code = "import sys, naru.cli; print(*sorted(m.split('.')[0] for m in sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    heavy = {"aiohttp", "alembic", "botocore", "fastapi", "jinja2", "sqlalchemy", "uvicorn", "xllamacpp"}
    assert not heavy & set(loaded)


@pytest.mark.parametrize(
    "module",
    ["naru.gateway", "naru.wire.registry", "naru.providers.registry", "naru.routing", "naru.identity"],
)
def test_the_road_loads_no_framework(module):
    """What serves a call loads no web framework, template engine, migration tool or AWS SDK by itself."""
    code = f"import sys, {module}; print(*sorted(m.split('.')[0] for m in sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    heavy = {
        "alembic",
        "babel",
        "botocore",
        "fastapi",
        "jinja2",
        "starlette",
        "typer",
        "uvicorn",
        "xllamacpp",
    }
    assert not heavy & set(loaded)


def test_a_start_carries_no_library_that_few_need():
    """`naru up` loads what single sign-on, AWS, second factors, new tables and the embedded model need when
    somebody has them: together they are 20 MiB and a quarter of a second."""
    code = "import sys, naru.cli, naru.server; print(*sorted(sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    rare = {"aiohttp", "alembic", "babel.messages", "botocore", "joserfc", "numpy", "segno", "xllamacpp"}
    assert not rare & set(loaded)


def test_no_module_is_slow_to_import():
    """All of ours together, compiled, take hardly more time than the libraries they stand on (about as much
    when this was written): nothing is made of tables or models before somebody needs it."""
    command = [
        sys.executable,
        "-c",
        "import sys, importlib\nfor m in sys.argv[1:]: importlib.import_module(m)",
    ]
    libraries = THIRD_PARTY.split()
    subprocess.run([*command, *libraries, *MODULES], check=True)  # compiles what is not yet compiled
    # In turn, so that a busy machine is as busy for both.
    pairs = [(_time([*command, *libraries]), _time([*command, *libraries, *MODULES])) for _ in range(3)]
    theirs, all_ = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    assert all_ < 2.5 * theirs, f"importing everything took {all_:.1f} s, {theirs:.1f} s of it libraries"


def _time(command):
    began = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - began
