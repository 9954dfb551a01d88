"""Every language by its name. Stateless objects: one of each serves the whole process."""

from __future__ import annotations

from naru.wire.base import ClientDialect, UpstreamDialect
from naru.wire.chat import ChatDialect

CLIENT_DIALECTS: dict[str, ClientDialect] = {"chat": ChatDialect()}
UPSTREAM_DIALECTS: dict[str, UpstreamDialect] = {"chat": ChatDialect()}
