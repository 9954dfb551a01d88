"""Typed reads out of a JSON object: a wrong type becomes a BadRequest that names the field.

`null` reads as absent, as the providers themselves treat it. What nobody read is left for `extra`.
"""

from __future__ import annotations

from naru.kernel.errors import BadRequest
from naru.wire.model import Json

# A field that one family of languages knows and the upstream's does not would be refused there, so it is
# dropped; one that nobody knows is the caller's business and goes through untouched.
_FAMILY_FIELDS: dict[str, frozenset[str]] = {
    "openai": frozenset(
        [
            "audio",
            "background",
            "best_of",
            "echo",
            "frequency_penalty",
            "function_call",
            "functions",
            "include",
            "logit_bias",
            "logprobs",
            "max_tool_calls",
            "metadata",
            "modalities",
            "moderation",
            "n",
            "parallel_tool_calls",
            "prediction",
            "presence_penalty",
            "prompt_cache_key",
            "prompt_cache_options",
            "prompt_cache_retention",
            "reasoning_effort",
            "response_format",
            "safety_identifier",
            "seed",
            "store",
            "stream_options",
            "suffix",
            "text",
            "top_logprobs",
            "truncation",
            "user",
            "verbosity",
            "web_search_options",
        ]
    ),
    "anthropic": frozenset(
        [
            "anthropic_beta",
            "anthropic_version",
            "betas",
            "cache_control",
            "container",
            "context_management",
            "diagnostics",
            "inference_geo",
            "mcp_servers",
            "metadata",
            "output_config",
            "output_format",
            "speed",
            "stop_sequences",
            "system",
            "thinking",
            "user_profile_id",
            "workspace_id",
        ]
    ),
    "gemini": frozenset(
        ["cachedContent", "contents", "generationConfig", "safetySettings", "systemInstruction", "toolConfig"]
    ),
    "bedrock": frozenset(
        [
            "additionalModelRequestFields",
            "additionalModelResponseFieldPaths",
            "guardrailConfig",
            "inferenceConfig",
            "performanceConfig",
            "promptVariables",
            "requestMetadata",
        ]
    ),
}
_KNOWN = frozenset().union(*_FAMILY_FIELDS.values())


def extra_for(family: str, extra: Json) -> Json:
    """`extra` without the fields that belong to other families than `family`
    (`openai`, `anthropic`, `gemini`, `bedrock`)."""
    own = _FAMILY_FIELDS[family]
    return {key: value for key, value in extra.items() if key in own or key not in _KNOWN}


class Fields:
    """One JSON object being read.

    Args:
        body: what should be an object.
        path: where it stands in the request, e.g. `messages.0`; empty for the request itself.
    """

    __slots__ = ("_path", "_rest")

    def __init__(self, body: object, path: str = "") -> None:
        if not isinstance(body, dict):
            raise BadRequest(f"{path or 'The request body'} must be an object.", param=path or None)
        self._path = path
        self._rest = dict(body)

    def at(self, key: str) -> str:
        """The dotted path of `key`, for an error's `param`."""
        return f"{self._path}.{key}" if self._path else key

    def take(self, key: str) -> object:
        """The value whatever its type, None when absent."""
        return self._rest.pop(key, None)

    def rest(self) -> Json:
        """The fields nobody read."""
        return self._rest

    def string(self, key: str) -> str | None:
        value = self._rest.pop(key, None)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong(key, "a string")

    def required_string(self, key: str) -> str:
        value = self.string(key)
        if value is None:
            raise self.missing(key)
        return value

    def integer(self, key: str, minimum: int | None = None) -> int | None:
        value = self._rest.pop(key, None)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(key, "an integer")
        if minimum is not None and value < minimum:
            raise BadRequest(f"{self.at(key)} must be at least {minimum}.", param=self.at(key))
        return value

    def number(self, key: str) -> float | None:
        value = self._rest.pop(key, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(key, "a number")
        return value

    def boolean(self, key: str) -> bool | None:
        value = self._rest.pop(key, None)
        if value is None or isinstance(value, bool):
            return value
        raise self.wrong(key, "true or false")

    def mapping(self, key: str) -> Json | None:
        value = self._rest.pop(key, None)
        if value is None or isinstance(value, dict):
            return value
        raise self.wrong(key, "an object")

    def array(self, key: str) -> list[object] | None:
        value = self._rest.pop(key, None)
        if value is None or isinstance(value, list):
            return value
        raise self.wrong(key, "an array")

    def strings(self, key: str) -> list[str]:
        """A string or an array of strings, as a list."""
        value = self._rest.pop(key, None)
        if value is None:
            return []
        if isinstance(value, str):
            return [value]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return list(value)
        raise self.wrong(key, "a string or an array of strings")

    def wrong(self, key: str, expected: str) -> BadRequest:
        """The error for a value of the wrong type."""
        return BadRequest(f"{self.at(key)} must be {expected}.", param=self.at(key))

    def missing(self, key: str) -> BadRequest:
        """The error for a field that has to be there."""
        return BadRequest(
            f"{self.at(key)} is required.", param=self.at(key), code="missing_required_parameter"
        )
