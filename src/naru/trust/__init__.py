"""The trust layer: personal data is found, masked before a prompt leaves, and restored in the answer.

It decides by policy what may go where; it does not know HTTP, providers or the ledger. Entered here.
"""

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
