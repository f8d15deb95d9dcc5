"""One way to run everything that works in the background: relay, consumers, timers, mail, jobs."""

import asyncio
import time
from datetime import datetime
from typing import Protocol

import structlog

from shared.kernel.signals import Signal
from shared.telemetry import traces

log = structlog.get_logger(__name__)

BACKOFF_SECONDS = (0.05, 0.2, 1.0, 2.0)


class Loop(Protocol):
    """Background work in bounded batches.

    `run_once` does one batch and returns how much it did (0 = idle); `wake` is set by whoever made work in
    this process; `next_due_at` is the next instant at which there is work for certain (timers), or None;
    `poll_seconds` is how long an idle loop waits for a wake before it looks again.
    """

    name: str
    wake: Signal
    poll_seconds: float

    async def run_once(self) -> int: ...

    async def next_due_at(self) -> datetime | None: ...

    async def close(self) -> None:
        """Release what the loop holds (locks, subscriptions); it may be started again."""


async def run_loop(loop: Loop, stop: asyncio.Event) -> None:
    """Run one loop until `stop`; a fault is logged and retried with backoff, never ends the loop.

    The batch in hand is finished before stopping; then the loop is closed.
    """
    failures = 0
    try:
        while not stop.is_set():
            loop.wake.clear()
            started_ns = time.time_ns()
            try:
                done = await loop.run_once()
                failures = 0
                if done:
                    traces.record(loop.name, started_ns, {"careloop.count": done})
            except Exception:
                pause = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
                failures += 1
                log.exception("loop_failed", loop=loop.name, failures=failures, retry_in_seconds=pause)
                await _pause(stop, pause)
                continue
            if done == 0:
                await _idle(loop, stop)
    finally:
        await loop.close()


async def _idle(loop: Loop, stop: asyncio.Event) -> None:
    stopping = asyncio.ensure_future(stop.wait())
    waking = asyncio.ensure_future(loop.wake.wait(loop.poll_seconds))
    try:
        await asyncio.wait({stopping, waking}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        waking.cancel()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
