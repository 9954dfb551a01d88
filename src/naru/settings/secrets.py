"""Fetches the keys that `naru.toml` only names. A key that is named and not there refuses the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

KeyPath = tuple[str | int, ...]

_MAX_KEY_BYTES = 64 * 1024
_ADDRESSES = {
    "database": ("postgresql://", "postgres://"),
    "redis": ("redis://", "rediss://", "unix://"),
}
BEDROCK_KEY_ENV = "AWS_BEARER_TOKEN_BEDROCK"
"""The variable AWS's own SDKs read; taken for a Bedrock provider that names no key."""


def beside(folder: Path, file: str) -> Path:
    """Where a file named in `naru.toml` stands: beside it, unless absolute or under `~`."""
    try:
        return folder / Path(file).expanduser()
    except RuntimeError:
        # `~name` of somebody unknown here: not there, and said so when it is opened.
        return folder / file


def resolve_keys(
    raw: Mapping[str, Any], environ: Mapping[str, str], folder: Path
) -> tuple[dict[str, SecretStr], list[tuple[KeyPath, str]]]:
    """Keys by provider name, and the faults met on the way with the key of the file each stands at."""
    keys: dict[str, SecretStr] = {}
    faults: list[tuple[KeyPath, str]] = []
    providers = raw.get("providers")
    if not isinstance(providers, dict):
        return keys, faults
    for name, table in providers.items():
        if not isinstance(table, dict):
            continue
        variable, file = table.get("api_key_env"), table.get("api_key_file")
        try:
            if isinstance(variable, str):
                field = "api_key_env"
                keys[name] = _read_variable(variable, environ)
            elif isinstance(file, str):
                field = "api_key_file"
                keys[name] = _read_file(beside(folder, file))
            elif isinstance(table.get("api_key"), str):
                field = "api_key"
                keys[name] = _check(table["api_key"], "the key")
            elif table.get("kind") == "bedrock" and not table.get("aws_profile"):
                field = "kind"
                if environ.get(BEDROCK_KEY_ENV):
                    keys[name] = _read_variable(BEDROCK_KEY_ENV, environ)
        except ValueError as fault:
            faults.append((("providers", name, field), f"providers.{name}.{field}: {fault}"))
    return keys, faults


def resolve_addresses(
    raw: Mapping[str, Any], environ: Mapping[str, str], folder: Path
) -> tuple[dict[str, SecretStr], list[tuple[KeyPath, str]]]:
    """Addresses of the servers behind Naru (`[database]`, `[redis]`), which may hold a password: by table."""
    found: dict[str, SecretStr] = {}
    faults: list[tuple[KeyPath, str]] = []
    for name, schemes in _ADDRESSES.items():
        table = raw.get(name)
        if not isinstance(table, dict):
            continue
        variable, file = table.get("url_env"), table.get("url_file")
        try:
            if isinstance(variable, str):
                field = "url_env"
                address = _read_variable(variable, environ)
            elif isinstance(file, str):
                field = "url_file"
                address = _read_file(beside(folder, file))
            else:
                continue
        except ValueError as fault:
            faults.append(((name, field), f"{name}.{field}: {fault}"))
            continue
        if address.get_secret_value().startswith(schemes):
            found[name] = address
        else:
            reason = f"it holds no address that begins with {schemes[0]}"
            faults.append(((name, field), f"{name}.{field}: {reason}"))
    return found, faults


def resolve_client_secret(
    raw: Mapping[str, Any], environ: Mapping[str, str], folder: Path
) -> tuple[SecretStr | None, list[tuple[KeyPath, str]]]:
    """The client secret of `[identity.oidc]`, where one is named."""
    identity = raw.get("identity")
    table = identity.get("oidc") if isinstance(identity, dict) else None
    if not isinstance(table, dict):
        return None, []
    field = "client_secret_env"
    try:
        if isinstance(variable := table.get(field), str):
            return _read_variable(variable, environ), []
        field = "client_secret_file"
        if isinstance(file := table.get(field), str):
            return _read_file(beside(folder, file)), []
    except ValueError as fault:
        return None, [(("identity", "oidc", field), f"identity.oidc.{field}: {fault}")]
    return None, []


def _read_variable(variable: str, environ: Mapping[str, str]) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", variable):
        # Quoting it could print a key that was pasted here by mistake.
        raise ValueError("this is not the name of an environment variable (is it the key itself?)")
    value = environ.get(variable, "").strip()
    if not value:
        raise ValueError(f"the environment variable {variable} is not set; export it before starting Naru")
    return _check(value, f"the environment variable {variable}")


def _read_file(path: Path) -> SecretStr:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_KEY_BYTES + 1)
        value = content.decode().strip()
    except FileNotFoundError:
        raise ValueError("the file does not exist") from None
    except UnicodeDecodeError:
        raise ValueError("the file is not text") from None
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror or type(error).__name__}") from None
    if not value:
        raise ValueError("the file is empty")
    return _check(value, "the file")


def _check(value: str, where: str) -> SecretStr:
    # What cannot stand in an HTTP header would fail on every request; better now, with a line.
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        raise ValueError(f"{where} must hold one key: a single line of ASCII without spaces")
    return SecretStr(value)
