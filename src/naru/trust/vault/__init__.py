"""What trust keeps beyond a call, sealed: envelopes, named conversations, and their administration."""

from naru.trust.vault.keeper import Holding, Rotation, VaultKeeper
from naru.trust.vault.keyfile import KEY_FILE
from naru.trust.vault.seal import SealBroken, Sealed, Sealer
from naru.trust.vault.sealed import SealedConversations
from naru.trust.vault.store import LOCK, shred
from naru.trust.vault.tables import conversations

__all__ = [
    "KEY_FILE",
    "LOCK",
    "Holding",
    "Rotation",
    "SealBroken",
    "Sealed",
    "SealedConversations",
    "Sealer",
    "VaultKeeper",
    "conversations",
    "shred",
]
