"""The guard: injection and toxicity in what goes in; leaks, secrets and addresses in what comes out.

Promises: offline, linear in the text's length, the same verdict for the same text; verdicts, logs and errors
never hold words of the text. It judges and names an action; whoever calls it acts.
"""

from naru.trust.guard.canary import CanaryWatch, find_canary, new_canary, place_canary
from naru.trust.guard.guard import Guard
from naru.trust.guard.stream import OutputGuard
from naru.trust.guard.verdict import (
    ACTIONS,
    DEFAULT_RULES,
    KINDS,
    SOURCES,
    Action,
    ActionRule,
    Kind,
    Source,
    Verdict,
    Verdicts,
    resolve_action,
    strictest,
)

__all__ = [
    "ACTIONS",
    "DEFAULT_RULES",
    "KINDS",
    "SOURCES",
    "Action",
    "ActionRule",
    "CanaryWatch",
    "Guard",
    "Kind",
    "OutputGuard",
    "Source",
    "Verdict",
    "Verdicts",
    "find_canary",
    "new_canary",
    "place_canary",
    "resolve_action",
    "strictest",
]
