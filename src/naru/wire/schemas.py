"""JSON Schema as the stricter languages want it, and what stands in where a language has no JSON mode."""

from __future__ import annotations

from naru.wire.model import Json

_VALUES = frozenset({"default", "const", "enum", "examples"})
_SCHEMAS_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions"})
JSON_ONLY = "Answer with one valid JSON object and nothing else."
"""Stands in for OpenAI's `json_object` mode where a language has no such mode."""


def closed_schema(schema: object) -> object:
    """A copy in which every object says `additionalProperties: false`, as strict output formats demand."""
    if isinstance(schema, list):
        return [closed_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        key: value
        if key in _VALUES
        else _close_named(value)
        if key in _SCHEMAS_BY_NAME
        else closed_schema(value)
        for key, value in schema.items()
    }
    if closed.get("type") == "object" and "additionalProperties" not in closed:
        closed["additionalProperties"] = False
    return closed


def _close_named(schemas: object) -> object:
    if not isinstance(schemas, dict):
        return schemas
    return {name: closed_schema(schema) for name, schema in schemas.items()}


def object_schema(parameters: Json | None) -> Json:
    """A tool's schema as an object, which Anthropic and Bedrock demand even of a tool that takes nothing."""
    if not parameters:
        return {"type": "object", "properties": {}}
    return parameters if parameters.get("type") == "object" else {**parameters, "type": "object"}
