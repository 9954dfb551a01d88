"""What each kind of upstream can be told about keeping and training, and the telling.

Sources are named in docs/retention.md. No kind has a flag against training in a request; OpenAI, Azure,
Anthropic, Bedrock and the paid Gemini API say by contract that they train on nobody's calls.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Final, Literal

import msgspec

from naru.kernel.errors import BadRequest

Retention = Literal["none", "default"]

_FALSE: Final = msgspec.Raw(b"false")
_OFF: Final = (b"false", b"null")
# What cannot be served without the upstream keeping something, by language.
_NEEDS_STORE: Final[Mapping[str, tuple[str, ...]]] = {
    "chat": ("store",),
    "responses": ("store", "background", "previous_response_id", "conversation"),
}
# Languages in which a kind of upstream knows `store`. Servers that are only compatible may refuse what they
# do not know, so of them only Responses, which has the field in its definition.
_KNOWS_STORE: Final[Mapping[str, frozenset[str]]] = {
    "openai": frozenset({"chat", "responses"}),
    "azure": frozenset({"responses"}),
    "openai-compatible": frozenset({"responses"}),
}
# Where silence would mean that it keeps, and saying so takes nothing from anybody.
_ALWAYS_SAID: Final[Mapping[str, frozenset[str]]] = {"openai": frozenset({"chat"})}


def list_flags(kind: str, retention: Retention) -> tuple[str, ...]:
    """What is set in each request, for people: `chat: store=false`."""
    languages = (_KNOWS_STORE if retention == "none" else _ALWAYS_SAID).get(kind, frozenset())
    return tuple(f"{language}: store=false" for language in sorted(languages))


def tell_retention(kind: str, retention: Retention, dialect: str, fields: MutableMapping[str, Any]) -> None:
    """Set the flags in a request that is written in `dialect`, and refuse what needs the upstream to keep it.

    Args:
        fields: top-level fields, raw or parsed; changed in place.

    Raises:
        BadRequest: `retention` is none and the client asks for what needs storing (code `retention_none`).
    """
    if retention == "none":
        for name in _NEEDS_STORE.get(dialect, ()):
            if _is_on(fields.get(name)):
                raise _refusal(name)
        if fields.get("prompt_cache_retention") is not None:
            fields.pop("prompt_cache_retention")  # the provider's own time is the shorter one
        if dialect in _KNOWS_STORE.get(kind, ()):
            fields["store"] = _FALSE
    elif "store" not in fields and dialect in _ALWAYS_SAID.get(kind, ()):
        fields["store"] = _FALSE


def _is_on(value: object) -> bool:
    if isinstance(value, msgspec.Raw):
        return bytes(value) not in _OFF
    return value is not None and value is not False


def _refusal(name: str) -> BadRequest:
    return BadRequest(
        f"`{name}` needs the provider to keep the conversation, and this provider is set to keep nothing "
        "(retention). Leave it out and send the whole conversation, or ask an administrator.",
        code="retention_none",
        param=name,
    )
