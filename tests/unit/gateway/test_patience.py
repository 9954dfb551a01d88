"""A call ends when its time is over or its client leaves, and most calls pay for no timer."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from naru.gateway.patience import Patience, Young


class Call:
    """What a Patience needs of an exchange: whether its client left."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.is_client_gone = False
        self.asked = 0

    async def receive(self) -> dict[str, str]:
        self.asked += 1
        await self.left.wait()
        return {"type": "http.disconnect"}


async def test_a_block_that_takes_too_long_times_out():
    """Inside the grace and after it, and what comes afterwards is not cancelled."""
    for limit_s in (0.01, 0.15):
        patience = Patience(Call(), Young())
        began = patience.loop.time()
        with patience:
            with pytest.raises(TimeoutError), patience.until(began + limit_s):
                await asyncio.Event().wait()
            assert limit_s <= patience.loop.time() - began < limit_s + 1
            await asyncio.sleep(0.01)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0


async def test_a_block_that_is_moved_may_take_longer():
    """Each word of a stream gives it more time."""
    patience = Patience(Call(), Young())
    with patience, patience.until(patience.loop.time() + 0.05):
        for _ in range(8):
            await asyncio.sleep(0.02)
            patience.move(patience.loop.time() + 0.05)


async def test_a_block_that_is_moved_may_take_less():
    """Moved to an earlier time, it ends then."""
    patience = Patience(Call(), Young())
    began = patience.loop.time()

    async def hurry() -> None:
        with patience, patience.until(began + 30):
            patience.watch()
            patience.move(began + 0.02)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await hurry()
    assert patience.loop.time() - began < 5


async def test_a_client_that_leaves_cancels_its_call():
    """Within a tenth of a second or so; the call can tell that from an end of its time."""
    call, young = Call(), Young()

    async def serve() -> None:
        patience = Patience(call, young)
        with patience, patience.until(patience.loop.time() + 30):
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)
    call.left.set()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert call.is_client_gone


async def test_being_cancelled_is_no_timeout():
    """Naru stops while a block runs out of time: the stop is what is seen."""
    call = Call()

    async def serve() -> None:
        patience = Patience(call, Young())
        with patience, patience.until(patience.loop.time()):
            asyncio.current_task().cancel()
            await asyncio.sleep(1)

    task = asyncio.create_task(serve())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_call_that_is_quick_starts_nothing():
    """No watcher, no timer of its own, and nothing left behind in the set."""
    call, young = Call(), Young()
    patience = Patience(call, young)
    with patience, patience.until(patience.loop.time() + 600):
        await asyncio.sleep(0)
    await asyncio.sleep(0.12)
    assert call.asked == 0
    assert not young._calls


async def test_a_call_that_is_over_is_freed_at_once():
    """Without a ring of references that would wait for the collector."""
    call, young = Call(), Young()
    call.patience = Patience(call, young)
    with call.patience, call.patience.until(call.patience.loop.time() + 600):
        await asyncio.sleep(0)
    seen = weakref.ref(call)
    gc.disable()
    try:
        del call
        assert seen() is None
    finally:
        gc.enable()
