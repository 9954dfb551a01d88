"""Google's Gemini API (`generateContent`, `streamGenerateContent?alt=sse`), spoken to upstreams."""

from naru.wire.gemini.dialect import GeminiDialect

__all__ = ["GeminiDialect"]
