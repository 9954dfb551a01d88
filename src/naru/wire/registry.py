"""Every language by its name. Stateless objects: one of each serves the whole process."""

from __future__ import annotations

from naru.wire.base import ClientDialect, UpstreamDialect
from naru.wire.chat import ChatDialect
from naru.wire.completions import CompletionsDialect
from naru.wire.converse import ConverseDialect
from naru.wire.gemini import GeminiDialect
from naru.wire.messages import MessagesDialect

_CHAT = ChatDialect()
_COMPLETIONS = CompletionsDialect()
_MESSAGES = MessagesDialect()

CLIENT_DIALECTS: dict[str, ClientDialect] = {
    "chat": _CHAT,
    "completions": _COMPLETIONS,
    "messages": _MESSAGES,
}
UPSTREAM_DIALECTS: dict[str, UpstreamDialect] = {
    "gemini": GeminiDialect(),
    "converse": ConverseDialect(),
    "chat": _CHAT,
    "completions": _COMPLETIONS,
    "messages": _MESSAGES,
}
