"""How long work takes, so that a busy machine and another test's threads do not count."""

import time
from collections.abc import Callable


def cpu_seconds(work: Callable[[], object], repeat: int = 3) -> float:
    """The least processor time that this thread needed for the work, of a few tries.

    The least, because what disturbs (a collection of garbage, a cold cache) only ever adds; and of this
    thread, because a server that another test started may still be busy beside it.
    """
    best = float("inf")
    for _ in range(repeat):
        began = time.thread_time()
        work()
        best = min(best, time.thread_time() - began)
    return best
