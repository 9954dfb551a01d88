"""Names what differs between two versions of the settings. Never a value: it may be a secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from naru.settings.model import Settings


def changed_fields(old: Settings, new: Settings) -> list[str]:
    """Dotted names, e.g. `server.port` or `providers.openai.base_url`; sorted."""
    return sorted(set(_changed(old, new, "")))


def _changed(old: object, new: object, name: str) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, BaseModel) and isinstance(new, BaseModel) and type(old) is type(new):
        for field, info in type(old).model_fields.items():
            dotted = f"{name}.{info.alias or field}" if name else info.alias or field
            yield from _changed(getattr(old, field), getattr(new, field), dotted)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {*old, *new}:
            yield from _changed(old.get(key), new.get(key), f"{name}.{key}")
    else:
        yield name
