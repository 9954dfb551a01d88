"""What `naru up` does around the application."""

from __future__ import annotations

import gc

from naru.server import settle_memory


def test_garbage_is_collected_again_once_everything_is_wired():
    """The start is made without a collector; left off, memory would grow with every call."""
    before = gc.get_threshold()
    gc.disable()
    try:
        settle_memory()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
        gc.enable()
