"""Who calls, and by which key. Answers one question: which principal does this secret belong to?"""

from naru.identity.keyring import Keyring, ensure_admin_key
from naru.identity.principal import Principal

__all__ = ["Keyring", "Principal", "ensure_admin_key"]
