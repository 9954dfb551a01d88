"""Tells which changed settings wait for a restart. The marks stand on the fields in `model.py`."""

from __future__ import annotations

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from naru.settings.model import Settings


def needs_restart(field: FieldInfo) -> bool:
    """Whether a change of `field` takes effect only after a restart."""
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("needs_restart"))


def restart_needed(old: Settings, new: Settings) -> list[str]:
    """Dotted names of the fields that differ and wait for a restart, in the order of the reference page."""
    return list(_changed(old, new, ""))


def _changed(old: BaseModel, new: BaseModel, prefix: str) -> list[str]:
    names = []
    for name, field in type(old).model_fields.items():
        before, after = getattr(old, name), getattr(new, name)
        dotted = prefix + (field.alias or name)
        if isinstance(before, BaseModel) and isinstance(after, BaseModel):
            names += _changed(before, after, dotted + ".")
        elif needs_restart(field) and before != after:
            names.append(dotted)
    return names
