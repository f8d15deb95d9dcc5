"""How long timers wait for a consumer that is behind."""

from datetime import datetime


class HorizonHold:
    """Bounded patience: a horizon that moves is waited for, one that stands still only so long.

    longest_seconds  after so long without progress timers fire all the same; what turns out false is retracted
    """

    def __init__(self, longest_seconds: float) -> None:
        self._longest_seconds = longest_seconds
        self._horizon: datetime | None = None
        self._since = 0.0

    def saw(self, horizon: datetime | None, now: datetime, monotonic: float) -> None:
        """The horizon as a batch found it; None when nothing was due."""
        behind = horizon is not None and horizon < now
        if not behind or horizon != self._horizon:
            self._since = monotonic
        self._horizon = horizon if behind else None

    def is_over(self, monotonic: float) -> bool:
        """Whether the consumer has stood still for too long."""
        return self._horizon is not None and monotonic - self._since >= self._longest_seconds
