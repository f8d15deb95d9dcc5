"""Time as a dependency: whoever needs an instant is handed a `Clock`, and never imports one."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from shared.kernel.errors import ConflictError


class Clock(Protocol):
    """Tells the current instant, aware and in UTC."""

    def now(self) -> datetime: ...


class ClockRunsBackwardsError(ConflictError):
    """A simulated clock only moves forward."""


class SystemClock:
    """The machine's clock in UTC, corrected by a measured offset to the database's clock.

    `correct(offset)` is called by whoever measures the offset (every few seconds); until then
    the offset is zero. Readings never run backwards within one process, so that a correction
    cannot stamp an effect before its cause.
    """

    def __init__(self) -> None:
        self._offset = timedelta(0)
        self._latest = datetime.min.replace(tzinfo=UTC)

    @property
    def offset(self) -> timedelta:
        """Database time minus machine time, as last measured."""
        return self._offset

    def correct(self, offset: timedelta) -> None:
        self._offset = offset

    def now(self) -> datetime:
        self._latest = max(self._latest, datetime.now(UTC) + self._offset)
        return self._latest


class SimulatedClock:
    """A clock that stands still until its owner steps it."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a simulated clock starts at an aware instant")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def set(self, to: datetime) -> None:
        """Step to `to`; raises `ClockRunsBackwardsError` when that is in the past."""
        if to < self._now:
            raise ClockRunsBackwardsError(
                f"cannot step from {self._now.isoformat()} back to {to.isoformat()}"
            )
        self._now = to.astimezone(UTC)
