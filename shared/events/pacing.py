"""How often an idle loop looks: at once when woken or when there is more, else at a bounded pace."""

import time

from shared.kernel.signals import Signal

BUSY_SECONDS = 0.02
IDLE_SECONDS = 0.1
IDLE_AFTER_SECONDS = 10.0


class Wake(Signal):
    """A signal that also remembers, apart from `clear`, whether it was set since its loop last looked."""

    def __init__(self) -> None:
        super().__init__()
        self.rung = True

    def set(self) -> None:
        self.rung = True
        super().set()


class Pace:
    """Spares the look right after a look that found everything: nobody rang, and little time has passed.

    `poll_seconds` is how long the loop may idle: 20 ms, and 100 ms after ten idle seconds.
    """

    def __init__(self, wake: Wake, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self._wake = wake
        self._busy_seconds = busy_seconds
        self._again = True
        self._next_look = 0.0
        self._found_at = time.monotonic()
        self.poll_seconds = busy_seconds

    def is_due(self) -> bool:
        """Whether to look now; a look that fails leaves the next one due."""
        due = self._wake.rung or self._again or time.monotonic() >= self._next_look
        if due:
            self._wake.rung = False
            self._again = True
        return due

    def looked(self, *, found: bool, more: bool) -> None:
        """Say what a look found: anything, and whether there may be more right now."""
        now = time.monotonic()
        if found:
            self._found_at = now
        idle = now - self._found_at > IDLE_AFTER_SECONDS
        self.poll_seconds = max(self._busy_seconds, IDLE_SECONDS) if idle else self._busy_seconds
        self._again = more
        self._next_look = now + self.poll_seconds
