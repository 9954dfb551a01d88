"""The trust layer: personal data is found, masked before a prompt leaves, and restored in the answer.

It decides by policy what may go where; it does not know HTTP, providers or the ledger. Entered here; what a
name stands for is loaded when it is asked for, so that `naru mask` need not load what `naru up` needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from naru.trust.desk import Desk, DetectionFailed, TrustRoom, new_room
    from naru.trust.mask import Conversation, Restorer
    from naru.trust.policy import Policy, PolicyTable

__all__ = [
    "Conversation",
    "Desk",
    "DetectionFailed",
    "Policy",
    "PolicyTable",
    "Restorer",
    "TrustRoom",
    "new_room",
]

_HOMES = {
    "Conversation": "mask",
    "Desk": "desk",
    "DetectionFailed": "desk",
    "Policy": "policy",
    "PolicyTable": "policy",
    "Restorer": "mask",
    "TrustRoom": "desk",
    "new_room": "desk",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
