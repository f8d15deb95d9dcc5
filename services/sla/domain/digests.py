"""Digests: what is not announced one by one is told to its target together, over all subjects (rules 8 and 9).

A digest is that of one target and window, the window in which its lines were written. It is told in parts: at the
window's end, and before that once, when what an outage made late has settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.sla.domain.events import DigestLine, EscalationDigest
from services.sla.domain.storm_caps import StormCaps
from shared.kernel.aggregates import Aggregate
from shared.kernel.ids import derived_id


class Waiting(NamedTuple):
    """Lines of one target and window that are still to be told.

    last_late_at  when the last of those was written that were past (None: all are above a storm cap)
    told_window   the newest window of which the target was told anything
    """

    target: str
    window_start: datetime
    last_late_at: datetime | None
    told_window: datetime | None

    def due_at(self, caps: StormCaps) -> datetime:
        """When they are told: as soon as what was late has settled, but only once before the window's end."""
        end = self.window_start + caps.window
        was_told = self.told_window is not None and self.told_window >= self.window_start
        if self.last_late_at is None or was_told:
            return end
        return min(self.last_late_at + caps.digest_settle, end)


def target_id_of(target: str) -> UUID:
    """The key of a target's digests."""
    return derived_id("digest", target)


@dataclass(kw_only=True)
class DigestTarget(Aggregate):
    """Whom escalations are for (a role, a queue), and how far they were told: the newest window, its parts."""

    target: str
    window_start: datetime | None = None
    part: int = 0

    def tell(self, window_start: datetime, lines: Sequence[DigestLine], now: datetime) -> None:
        """One part more. What is committed after a later window was told of becomes a part of that one's digest."""
        if self.window_start is None or self.window_start < window_start:
            self.window_start, self.part = window_start, 0
        self.part += 1
        self.happened(
            EscalationDigest,
            now,
            target=self.target,
            window_start=self.window_start,
            part=self.part,
            fired_at=now,
            items=tuple(lines),
        )
