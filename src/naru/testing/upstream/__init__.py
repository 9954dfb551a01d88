"""A scripted upstream: a real local HTTP server that speaks each provider's format and errs on command.

It stands on the other side of the wire and shares no code with `naru.wire`, so a fault there cannot hide.
It does not judge requests as strictly as a provider: it reads only what an answer needs.
"""

from naru.testing.upstream.received import Received
from naru.testing.upstream.script import Script, ToolCall
from naru.testing.upstream.server import ThreadedUpstream, Upstream

__all__ = ["Received", "Script", "ThreadedUpstream", "ToolCall", "Upstream"]
