"""Bedrock's Converse API (`Converse`, `ConverseStream`), spoken to upstreams."""

from naru.wire.converse.dialect import ConverseDialect

__all__ = ["ConverseDialect"]
