"""The embedded model: llama.cpp in a child process, kept alive, seen by the road as one more upstream.

Does not route, meter or convert languages. Its crash or its memory never takes the gateway along.
"""

from naru.hosting.requests import adapt_chat_request
from naru.hosting.supervisor import LocalModel, State, is_available

__all__ = ["LocalModel", "State", "adapt_chat_request", "is_available"]
