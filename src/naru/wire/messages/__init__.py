"""Anthropic's Messages API, as clients speak it to Naru and as Naru speaks it to upstreams."""

from naru.wire.messages.dialect import MessagesDialect

__all__ = ["MessagesDialect"]
