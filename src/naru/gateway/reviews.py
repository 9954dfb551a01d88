"""Calls whose verdicts ask for a person, handed over when they are settled."""

from __future__ import annotations

from naru.gateway.exchange import Exchange
from naru.trust.feedback import ReviewQueue


def hand_over(x: Exchange, queue: ReviewQueue) -> None:
    """Put the call into the queue if a policy's guard says `review`. Never waits."""
    scores: dict[str, float] = {}
    for verdict in x.verdicts:
        if verdict["action"] == "review":
            kind, score = str(verdict["kind"]), verdict["score"]
            assert isinstance(score, int | float)
            scores[kind] = max(float(score), scores.get(kind, 0.0))
    if scores:
        org, team = (None, None) if x.principal is None else (x.principal.org, x.principal.team)
        queue.record(x.id, org, team, sorted(scores), scores)
