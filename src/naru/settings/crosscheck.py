"""Faults that show only when tables are read together: targets nobody serves, names taken twice.

It reads the raw TOML so that one misspelt key elsewhere does not hide them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from naru.settings.model import LOCAL_PROVIDER, Local

Path = tuple[str | int, ...]


def find_conflicts(raw: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Each fault with the key it stands at; shapes that are wrong in themselves are passed over."""
    providers = _table(raw, "providers")
    local = _table(raw, "local")
    is_local_enabled = local.get("enabled", True) is not False
    local_name = local.get("name", Local().name)
    if LOCAL_PROVIDER in providers:
        yield (
            ("providers", LOCAL_PROVIDER),
            f"the provider name `{LOCAL_PROVIDER}` belongs to the embedded model; choose another",
        )
    names = [*providers, *([LOCAL_PROVIDER] if is_local_enabled else [])]
    for model, table in _table(raw, "models").items():
        if is_local_enabled and model == local_name:
            yield (
                ("models", model),
                f"models.{model} has the name of the embedded model; rename one of them (local.name)",
            )
        targets = table.get("targets") if isinstance(table, dict) else None
        if isinstance(targets, list):
            yield from _check_targets(model, targets, names, str(local_name))
    yield from _check_prices(raw.get("prices"))


def _table(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def _check_targets(
    model: str, targets: list[Any], providers: list[str], local_name: str
) -> Iterator[tuple[Path, str]]:
    for index, target in enumerate(targets):
        if not isinstance(target, str):
            continue
        path: Path = ("models", model, "targets", index)
        provider, slash, upstream_model = target.partition("/")
        if not (provider and slash and upstream_model):
            yield path, f"models.{model}.targets: `{target}` must be written `provider/model`"
        elif provider not in providers:
            near = difflib.get_close_matches(provider, providers, n=1, cutoff=0.6)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            yield (
                path,
                f"models.{model}.targets names provider `{provider}` which does not exist{hint}",
            )
        elif provider == LOCAL_PROVIDER and upstream_model != local_name:
            yield (
                path,
                f"models.{model}.targets: the embedded model is `{LOCAL_PROVIDER}/{local_name}`",
            )
        elif target in targets[:index]:
            yield path, f"models.{model}.targets names `{target}` twice"


def _check_prices(prices: Any) -> Iterator[tuple[Path, str]]:
    if not isinstance(prices, list):
        return
    seen: set[tuple[str, str, str]] = set()
    for index, row in enumerate(prices):
        if not isinstance(row, dict):
            continue
        key = (str(row.get("vendor")), str(row.get("model")), str(row.get("valid_from")))
        if key in seen:
            yield (
                ("prices", index),
                f"prices has a second row for {key[0]}/{key[1]} from {key[2]}; keep one of them",
            )
        seen.add(key)
