"""Marks that tell whose a thought signature is, and what it belongs to.

A client keeps signatures without reading them and sends them back, perhaps to another provider after a
fall back, and each provider refuses the others' with 400. So Gemini's and OpenAI's wear a prefix on
their way through the client, and only Anthropic's travel bare: its own clients must get them unchanged.
"""

from __future__ import annotations

from naru.wire.model import Thinking

_GEMINI = "gemini#"
_CALL = "call#"
_OPENAI = "openai#"
_PREFIXES = (_GEMINI, _CALL, _OPENAI)


def is_foreign(signature: str) -> bool:
    """True for one that Anthropic would refuse."""
    return signature.startswith(_PREFIXES)


def is_anthropics(thinking: Thinking) -> bool:
    """Whether Anthropic's models take this thinking back: unsigned, and another's, they refuse."""
    mark = thinking.signature if thinking.redacted is None else thinking.redacted
    return bool(mark) and not is_foreign(mark or "")


def mark_gemini(signature: str) -> str:
    """Gemini's signature, as clients see it."""
    return _GEMINI + signature


def find_gemini(signature: str | None) -> str | None:
    """Gemini's own signature, None when it is missing or another provider's."""
    return signature[len(_GEMINI) :] if signature and signature.startswith(_GEMINI) else None


def mark_call(signature: str) -> str:
    """A call's signature, for a thinking block before the call: a `tool_use` block has no place for it."""
    return _CALL + signature


def find_call(signature: str | None) -> str | None:
    """The signature of the call that follows, None when the block is thinking of its own."""
    return signature[len(_CALL) :] if signature and signature.startswith(_CALL) else None


def mark_openai(signature: str) -> str:
    """The seal of a reasoning item of OpenAI's, as the neutral model holds it."""
    return _OPENAI + signature


def find_openai(signature: str | None) -> str | None:
    """OpenAI's own seal, None when it is missing or another provider's."""
    return signature[len(_OPENAI) :] if signature and signature.startswith(_OPENAI) else None
