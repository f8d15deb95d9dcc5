"""Running time of a clock: when it ran, when it stood still, and where on its own scale an instant lies."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.sla.domain.meters import Meter


@dataclass(frozen=True, slots=True)
class Segment:
    """Half-open [start_at, end_at); open-ended while it lasts. `cause` says why time counted or stood still."""

    start_at: datetime
    end_at: datetime | None
    counts: bool
    cause: str
    entry_id: UUID


class RunningTime:
    """Segments in order, without gaps. Retargeting measures the same segments with another meter."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.segments: list[Segment] = []
        self._passed = 0  # positions of the closed segments that count

    @property
    def is_counting(self) -> bool:
        return bool(self.segments) and self.segments[-1].end_at is None and self.segments[-1].counts

    def turn(self, at: datetime, *, counts: bool, cause: str, entry_id: UUID) -> None:
        """Close the segment at hand and begin another; one without length leaves no trace."""
        self.close(at)
        self.segments.append(Segment(at, None, counts, cause, entry_id))

    def close(self, at: datetime) -> None:
        if not self.segments or self.segments[-1].end_at is not None:
            return
        last = self.segments[-1]
        end_at = max(at, last.start_at)
        if end_at == last.start_at:
            self.segments.pop()
            return
        self.segments[-1] = replace(last, end_at=end_at)
        if last.counts:
            self._passed += self.meter.measure(last.start_at, end_at)

    def use(self, meter: Meter) -> None:
        """Measure everything anew."""
        self.meter = meter
        self._passed = sum(
            meter.measure(segment.start_at, segment.end_at)
            for segment in self.segments
            if segment.counts and segment.end_at is not None
        )

    def position(self, at: datetime) -> int:
        """How far the clock had moved by `at`, an instant not before the last segment."""
        if not self.is_counting:
            return self._passed
        return self._passed + self.meter.measure(self.segments[-1].start_at, at)

    def passed_since(self, start: datetime, at: datetime) -> int:
        """How far the clock moved in [start, at)."""
        passed = 0
        for segment in self.segments:
            begins = max(segment.start_at, start)
            ends = at if segment.end_at is None else min(segment.end_at, at)
            if segment.counts and begins < ends:
                passed += self.meter.measure(begins, ends)
        return passed

    def reaches(self, position: int, not_before: datetime | None) -> datetime | None:
        """When the segment at hand gets there if it goes on for ever; None while the clock stands still."""
        if not self.is_counting:
            return None
        return self._reached_in(self.segments[-1], position - self._passed, not_before)

    def instant_of(self, position: int, not_before: datetime | None = None) -> datetime | None:
        """The earliest instant with that position while the clock counts; None when it is still to come.

        An input at the very instant takes effect first: a position that would be reached just when the clock
        is paused is reached when it goes on. `not_before`: what a retarget left behind counts from then on.
        """
        passed = 0
        for segment in self.segments:
            if not segment.counts:
                continue
            if segment.end_at is None or not_before is None or not_before < segment.end_at:
                reached = self._reached_in(segment, position - passed, not_before)
                if reached is not None and (segment.end_at is None or reached < segment.end_at):
                    return reached
            if segment.end_at is not None:
                passed += self.meter.measure(segment.start_at, segment.end_at)
        return None

    def pauses(self) -> list[tuple[datetime, datetime | None]]:
        """When the clock stood still, touching intervals joined."""
        joined: list[tuple[datetime, datetime | None]] = []
        for segment in self.segments:
            if segment.counts:
                continue
            if joined and joined[-1][1] == segment.start_at:
                joined[-1] = joined[-1][0], segment.end_at
            else:
                joined.append((segment.start_at, segment.end_at))
        return joined

    def _reached_in(self, segment: Segment, left: int, not_before: datetime | None) -> datetime | None:
        reached = segment.start_at if left <= 0 else self.meter.reach(segment.start_at, left)
        return reached if reached is None or not_before is None else max(reached, not_before)
