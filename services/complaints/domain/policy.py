"""The numbers that the rules of complaints need, set by whoever runs the service."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ComplaintPolicy:
    """Limits of the closed loop.

    `reopen_days` after closure a complaint may be reopened. `unreachable` needs at least
    `unreachable_attempts` unanswered attempts in a row, on at least `unreachable_channels` channels.
    A complaint is recurring when the same customer had another one decided with the same cause code in
    the `recurrence_days` before.
    """

    reopen_days: int = 30
    unreachable_attempts: int = 3
    unreachable_channels: int = 2
    recurrence_days: int = 90
