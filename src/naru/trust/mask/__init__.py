"""Masks a request before it leaves and restores its answer: see `mask_request` and `Restorer`.

Promises: every string of a request is looked at unless it is named as structure; one value is one placeholder
in a whole conversation; nothing is restored that the conversation did not mask. It finds nothing itself.
"""

from naru.trust.mask.fields import Unmaskable
from naru.trust.mask.hidden import is_hiding, reveal
from naru.trust.mask.known import KnownValues
from naru.trust.mask.masker import Look, Masked, mask_request
from naru.trust.mask.note import NOTE
from naru.trust.mask.restorer import Restorer
from naru.trust.mask.rules import Action, Rules
from naru.trust.mask.text import Counters
from naru.trust.mask.tokens import LITERAL
from naru.trust.mask.vault import Conversation, Entry, VaultFull

__all__ = [
    "LITERAL",
    "NOTE",
    "Action",
    "Conversation",
    "Counters",
    "Entry",
    "KnownValues",
    "Look",
    "Masked",
    "Restorer",
    "Rules",
    "Unmaskable",
    "VaultFull",
    "is_hiding",
    "mask_request",
    "reveal",
]
