"""A signal inside one process: "there may be work for you"."""

import asyncio
import contextlib


class Signal:
    """Set by whoever made work, cleared by whoever does it; waiting is always bounded."""

    def __init__(self, *, is_set: bool = True) -> None:
        """Starts set, because after a start there may be work left from before."""
        self._event = asyncio.Event()
        if is_set:
            self._event.set()

    def set(self) -> None:
        self._event.set()

    def clear(self) -> None:
        self._event.clear()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self, timeout_seconds: float) -> bool:
        """Wait until set, at most `timeout_seconds`; whether it is set."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        return self._event.is_set()
