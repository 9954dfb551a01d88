"""Every language by its name. Stateless objects: one of each serves the whole process."""

from __future__ import annotations

from naru.wire.base import ClientDialect, UpstreamDialect
from naru.wire.chat import ChatDialect
from naru.wire.completions import CompletionsDialect
from naru.wire.converse import ConverseDialect
from naru.wire.gemini import GeminiDialect
from naru.wire.messages import MessagesDialect
from naru.wire.responses import ResponsesDialect

_CHAT = ChatDialect()
_COMPLETIONS = CompletionsDialect()
_RESPONSES = ResponsesDialect()
_MESSAGES = MessagesDialect()

CLIENT_DIALECTS: dict[str, ClientDialect] = {
    "chat": _CHAT,
    "completions": _COMPLETIONS,
    "responses": _RESPONSES,
    "messages": _MESSAGES,
}
UPSTREAM_DIALECTS: dict[str, UpstreamDialect] = {
    "chat": _CHAT,
    "completions": _COMPLETIONS,
    "responses": _RESPONSES,
    "messages": _MESSAGES,
    "gemini": GeminiDialect(),
    "converse": ConverseDialect(),
}
