"""Writes settings as TOML with every secret blanked, to show what runs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from naru.settings.model import Settings

REDACTED = "(hidden)"
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def render_redacted(settings: Settings) -> str:
    """All settings, defaults included; fields that are not set are left out.

    Keys are blanked, and the values of all extra headers, because any of them may be a credential.
    """
    tree = settings.model_dump(mode="json", by_alias=True, exclude_none=True)
    for provider in tree["providers"].values():
        if "api_key" in provider:
            provider["api_key"] = REDACTED
        provider["headers"] = dict.fromkeys(provider["headers"], REDACTED)
    return "\n".join(_tables(tree, "")) + "\n"


def _tables(tree: Mapping[str, Any], prefix: str) -> list[str]:
    lines: list[str] = []
    for name, value in tree.items():
        if not isinstance(value, dict) and not _is_table_array(value):
            lines.append(f"{_key(name)} = {_value(value)}")
    for name, value in tree.items():
        dotted = f"{prefix}{_key(name)}"
        if isinstance(value, dict):
            # A table that only holds tables needs no header of its own.
            if not value or any(not isinstance(child, dict) for child in value.values()):
                lines += ["", f"[{dotted}]"]
            lines += _tables(value, dotted + ".")
        elif _is_table_array(value):
            for element in value:
                lines += ["", f"[[{dotted}]]", *_tables(element, dotted + ".")]
    return lines


def _is_table_array(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(element, dict) for element in value)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _value(value: Any) -> str:
    # A JSON string, number, boolean or array of them is written the same way in TOML.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
