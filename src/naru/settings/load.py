"""Reads `naru.toml` strictly: every fault at once, each with its line and how to mend it.

Nothing is guessed or half taken: settings come back whole and valid, or `InvalidConfig` is raised. Values
are never quoted in a message, because any of them may be a secret put in the wrong place.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from naru.kernel.errors import ConfigError
from naru.settings.crosscheck import find_conflicts
from naru.settings.locator import Locator, locate
from naru.settings.locator import Path as KeyPath
from naru.settings.model import Settings
from naru.settings.secrets import beside, resolve_addresses, resolve_client_secret, resolve_keys

MAX_BYTES = 4 * 1024 * 1024
"""A larger file is a mistake (a price list or a log given as configuration)."""

_POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class Problem(NamedTuple):
    """One fault of the file."""

    line: int | None
    reason: str


class InvalidConfig(ConfigError):
    """naru.toml has one or more faults; the message lists them all, first line first.

    Args:
        problems: at least one; `line` and `message` begin with the first.
    """

    def __init__(self, problems: list[Problem], *, path: str) -> None:
        ordered = sorted(problems, key=lambda problem: (problem.line is None, problem.line or 0))
        lines = [ConfigError(reason, path=path, line=line).message for line, reason in ordered]
        super().__init__(ordered[0].reason, path=path, line=ordered[0].line)
        self.problems = tuple(ordered)
        self.message = "\n".join(lines)
        self.args = (self.message,)


PLACES = frozenset({"database", "redis", "secrets"})
"""Tables that say where state lies: all that administration needs, which may not have the providers' keys."""


def load(path: Path | None, environ: Mapping[str, str], *, only: frozenset[str] | None = None) -> Settings:
    """Settings of the file at `path`; the defaults (the embedded model alone) when `path` is None.

    Keys named by `api_key_env` and `api_key_file` are resolved into `api_key`; a relative `api_key_file`
    or `local.path` stands beside the file. With `only`, every other table is passed over, right or wrong.

    Raises:
        InvalidConfig: a `ConfigError` with every fault of the file.
    """
    if path is None:
        return Settings()
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _fail(path, "the file does not exist; `naru config init` writes one") from None
    except OSError as error:
        raise _fail(path, f"the file cannot be read: {error.strerror or type(error).__name__}") from None
    return parse(content, path=path, environ=environ, only=only)


def parse(
    content: bytes, *, path: Path, environ: Mapping[str, str], only: frozenset[str] | None = None
) -> Settings:
    """Settings of a file's bytes; `path` names it in messages and is where relative files stand.

    Raises:
        InvalidConfig: a `ConfigError` with every fault of the file.
    """
    if len(content) > MAX_BYTES:
        raise _fail(path, f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _fail(path, "this is not UTF-8 text; save the file as UTF-8", line) from None
    raw = _read_toml(text, path)
    if only is not None:
        raw = {name: table for name, table in raw.items() if name in only}
    locator = locate(text)
    problems: list[Problem] = []
    settings: Settings | None = None
    try:
        # JSON mode is what lets pydantic be strict about types and still take TOML's arrays and dates.
        settings = Settings.model_validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        problems += [_explain(detail, locator) for detail in error.errors(include_url=False)]
    problems += [Problem(locator.find_line(at), reason) for at, reason in find_conflicts(raw)]
    keys, faults = resolve_keys(raw, environ, path.parent)
    addresses, more_faults = resolve_addresses(raw, environ, path.parent)
    client_secret, oidc_faults = resolve_client_secret(raw, environ, path.parent)
    faults = [*faults, *more_faults, *oidc_faults]
    problems += [Problem(locator.find_line(at), reason) for at, reason in faults]
    if problems or settings is None:
        raise InvalidConfig(_unique(problems), path=str(path))
    if client_secret is not None and settings.identity.oidc is not None:
        oidc = settings.identity.oidc.model_copy(update={"client_secret": client_secret})
        identity = settings.identity.model_copy(update={"oidc": oidc})
        settings = settings.model_copy(update={"identity": identity})
    return _complete(settings, keys, addresses, path.parent)


def _fail(path: Path, reason: str, line: int | None = None) -> InvalidConfig:
    return InvalidConfig([Problem(line, reason)], path=str(path))


def _unique(problems: list[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))


def _read_toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _fail(path, "values are nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        problem = _explain_syntax(str(error), text)
    except ValueError:
        # tomllib lets some impossible numbers and dates through to int() and datetime().
        problem = Problem(None, "a number or a date is out of range")
    raise InvalidConfig([problem], path=str(path)) from None


def _explain_syntax(message: str, text: str) -> Problem:
    locator = locate(text)
    match = _POSITION.search(message)
    reason = _POSITION.sub("", message)
    line = int(match[1]) if match and match[1] else None
    if locator.duplicates and ("overwrite" in reason or "twice" in reason or "Duplicate" in reason):
        duplicate = locator.duplicates[0]
        name = _dotted(duplicate.path)
        return Problem(
            duplicate.line,
            f"{name} is set twice (first on line {duplicate.first_line}); keep one of them",
        )
    if line is None:
        line = locator.stopped_at or text.count("\n") + 1
    return Problem(line, f"this is not valid TOML: {reason[:1].lower()}{reason[1:]}")


def _complete(
    settings: Settings, keys: Mapping[str, Any], addresses: Mapping[str, SecretStr], folder: Path
) -> Settings:
    changes: dict[str, Any] = {}
    if keys:
        changes["providers"] = {
            name: provider.model_copy(update={"api_key": keys[name]}) if name in keys else provider
            for name, provider in settings.providers.items()
        }
    if settings.local.path is not None:
        model_path = str(beside(folder, settings.local.path))
        changes["local"] = settings.local.model_copy(update={"path": model_path})
    for name, address in addresses.items():
        changes[name] = getattr(settings, name).model_copy(update={"url": address})
    if settings.secrets.folder is not None:
        secrets_folder = str(beside(folder, settings.secrets.folder))
        changes["secrets"] = settings.secrets.model_copy(update={"folder": secrets_folder})
    return settings.model_copy(update=changes) if changes else settings


def _explain(detail: ErrorDetails, locator: Locator) -> Problem:
    is_key_fault = bool(detail["loc"]) and detail["loc"][-1] == "[key]"
    path: KeyPath = detail["loc"][:-1] if is_key_fault else detail["loc"]
    line = locator.find_line(path)
    name = _dotted(path)
    kind = detail["type"]
    if kind == "extra_forbidden":
        return Problem(line, _explain_unknown(path))
    if kind == "missing":
        return Problem(line, f"{_dotted(path[:-1]) or 'the file'} lacks `{path[-1]}`")
    if is_key_fault:
        return Problem(
            line, f"`{path[-1]}` is not a usable name: letters, digits and . _ - only, 64 characters at most"
        )
    reason = detail["msg"].removeprefix("Value error, ")
    if reason.startswith("Input "):
        reason = reason.removeprefix("Input ")
    return Problem(line, f"{name} {reason[:1].lower()}{reason[1:]}")


def _explain_unknown(path: KeyPath) -> str:
    *parents, key = path
    known = _known_keys(tuple(parents))
    near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.6)
    where = f" in {_dotted(tuple(parents))}" if parents else ""
    if near:
        return f"unknown key `{key}`{where}; did you mean `{near[0]}`?"
    return f"unknown key `{key}`{where}; known are {', '.join(sorted(known))}"


def _known_keys(path: KeyPath) -> list[str]:
    """Keys the model knows at `path`."""
    here: Any = Settings
    for step in path:
        here = _step_into(here, step)
    if isinstance(here, type) and issubclass(here, BaseModel):
        return [field.alias or name for name, field in here.model_fields.items()]
    return []


def _step_into(annotation: Any, step: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            if step == (field.alias or name):
                return _without_none(field.annotation)
        return None
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return arguments[1]
    return arguments[0] if get_origin(annotation) is tuple else None


def _without_none(annotation: Any) -> Any:
    kept = [argument for argument in get_args(annotation) if argument is not type(None)]
    return kept[0] if len(kept) == 1 and type(None) in get_args(annotation) else annotation


def _dotted(path: KeyPath) -> str:
    """`providers.acme.models[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
