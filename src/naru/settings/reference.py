"""Writes the reference page of `naru.toml` from the model itself, so that the two cannot differ."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from naru.settings.model import Settings
from naru.settings.restart import needs_restart

_INTRODUCTION = """# Settings

Every table and key of `naru.toml`. This page is written by `naru config docs`; edit the descriptions in
`src/naru/settings/`.

A key that is not listed here is an error: a misspelt limit must not be silently no limit. The file is read
again when it changes (within two seconds) or on SIGHUP, and no request is dropped. A bad file is refused
with line and reason, and the running settings stay. Fields marked *needs a restart* are checked at once and
take effect at the next start. `naru config check` reads a file as Naru would; `naru config init` writes a
commented one to begin with.
"""

_NAMES: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    SecretStr: "text (secret)",
}


def render_reference() -> str:
    """The whole page as Markdown."""
    return _INTRODUCTION + "\n" + "\n".join(_render_tree(Settings, "", {}))


def _render_tree(model: type[BaseModel], prefix: str, shown: dict[type, str]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        table, header = _find_table(field, prefix + (field.alias or name))
        if table is None:
            continue
        yield f"## `{header}`\n"
        yield f"{field.description or _first_paragraph(table)}\n"
        if table in shown:
            yield f"Keys as in `{shown[table]}`.\n"
            continue
        shown[table] = header
        yield from _render_fields(table)
        yield from _render_tree(table, header.strip("[]") + ".", shown)


def _render_fields(table: type[BaseModel]) -> Iterator[str]:
    for name, field in table.model_fields.items():
        notes = [_type_name(field), *_bounds(field), _default(field)]
        if needs_restart(field):
            notes.append("needs a restart")
        yield f"### `{field.alias or name}`\n"
        yield f"{field.description}\n\n*{', '.join(note for note in notes if note)}*\n"


def _find_table(field: FieldInfo, name: str) -> tuple[type[BaseModel] | None, str]:
    annotation = field.annotation
    arguments = get_args(annotation)
    if get_origin(annotation) is dict and _is_model(arguments[1]):
        return arguments[1], f"[{name}.NAME]"
    if get_origin(annotation) is tuple and _is_model(arguments[0]):
        return arguments[0], f"[[{name}]]"
    for candidate in (annotation, *arguments):
        if _is_model(candidate):
            return candidate, f"[{name}]"
    return None, name


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _first_paragraph(table: type[BaseModel]) -> str:
    return " ".join((table.__doc__ or "").split("\n\n")[0].split())


def _type_name(field: FieldInfo) -> str:
    return _name_of(field.annotation)


def _name_of(annotation: Any) -> str:
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    origin = get_origin(annotation)
    if annotation in _NAMES:
        return _NAMES[annotation]
    if origin is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in arguments)
    if origin is tuple:
        return "list of tables" if _is_model(arguments[0]) else f"list of {_name_of(arguments[0])}"
    if origin is dict:
        return "table of text"
    if _is_model(annotation):
        return "table"
    if arguments:
        return _name_of(arguments[0])
    return "decimal number" if annotation is Decimal else str(annotation.__name__)


def _bounds(field: FieldInfo) -> Iterator[str]:
    for mark in [*field.metadata, *_inner_marks(field.annotation)]:
        if isinstance(mark, annotated_types.Gt):
            yield f"more than {mark.gt}"
        elif isinstance(mark, annotated_types.Ge):
            yield f"at least {mark.ge}"
        elif isinstance(mark, annotated_types.Le):
            yield f"at most {mark.le}"
        elif isinstance(mark, FieldInfo):
            yield from _bounds(mark)


def _inner_marks(annotation: Any) -> list[Any]:
    """Marks of `Annotated[...] | None`, which stand inside the union."""
    return [mark for part in get_args(annotation) for mark in getattr(part, "__metadata__", ())]


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if field.is_required() or value is PydanticUndefined:
        return "required"
    if value is None:
        return "default: not set"
    if isinstance(value, bool):
        return f"default `{str(value).lower()}`"
    if isinstance(value, str):
        return f'default `"{value}"`'
    if value in ((), {}):
        return "default: empty"
    return f"default `{value:g}`" if isinstance(value, float) else f"default `{value}`"
