"""Waiting for a condition that another process brings about; tests await signals where they can."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    look: Callable[[], Awaitable[T | None]], *, timeout_seconds: float = 30.0, every_seconds: float = 0.02
) -> T:
    """What `look` returns once it is neither None nor false; raises TimeoutError after the bound."""
    async with asyncio.timeout(timeout_seconds):
        while True:
            seen = await look()
            if seen:
                return seen
            await asyncio.sleep(every_seconds)
