"""Outages: what was said about each, fact after fact, and what of it counts."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.sla.domain.availability.errors import InvalidOutageError
from services.sla.domain.availability.intervals import Interval
from services.sla.domain.availability.objective import ObjectiveVersion, PlannedRule
from shared.kernel.errors import FieldError


@dataclass(frozen=True, slots=True)
class OutageFact:
    """What was known of an outage from `recorded_at` on: the newest fact counts.

    end_at      None while it lasts
    is_planned  planned maintenance
    is_retracted  it was no outage at all
    """

    start_at: datetime
    end_at: datetime | None
    cause: str
    is_planned: bool
    is_retracted: bool
    recorded_at: datetime

    @property
    def interval(self) -> Interval | None:
        """Of one that has an end and was not taken back."""
        if self.is_retracted or self.end_at is None:
            return None
        return Interval(self.start_at, self.end_at)


@dataclass(frozen=True, slots=True)
class Outage:
    """`facts` oldest first, at least one."""

    id: UUID
    facts: tuple[OutageFact, ...]

    @property
    def latest(self) -> OutageFact:
        return self.facts[-1]

    def as_known_at(self, at: datetime) -> "Outage | None":
        """As it stood then; None when nothing was recorded yet."""
        known = tuple(fact for fact in self.facts if fact.recorded_at <= at)
        return replace(self, facts=known) if known else None

    def down(self, until: datetime) -> list[Interval]:
        """When the offering was down; one that lasts counts up to `until`."""
        fact = self.latest
        end_at = until if fact.end_at is None else fact.end_at
        return [] if fact.is_retracted or end_at <= fact.start_at else [Interval(fact.start_at, end_at)]

    def excluded(self, version: ObjectiveVersion) -> list[Interval]:
        """What of it the objective does not count, as planned maintenance.

        By the rule `if_announced` that is what took place within what was announced in time: maintenance that
        goes on longer than announced counts from there on, and so does what was called planned afterwards.
        """
        took_place = self.latest.interval
        if took_place is None or not self.latest.is_planned or version.planned is PlannedRule.COUNTED:
            return []
        if version.planned is PlannedRule.EXCLUDED:
            return [took_place]
        announced = self._announced(timedelta(seconds=version.notice_seconds))
        if announced is None:
            return []
        both = Interval(max(took_place.start, announced.start), min(took_place.end, announced.end))
        return [both] if both.start < both.end else []

    def _announced(self, notice: timedelta) -> Interval | None:
        in_time = [
            fact for fact in self.facts if fact.is_planned and fact.recorded_at + notice <= fact.start_at
        ]
        return in_time[-1].interval if in_time else None


def check_fact(fact: OutageFact, now: datetime) -> None:
    """Raise `InvalidOutageError` for what cannot have happened."""
    faults = []
    if fact.end_at is not None and fact.end_at <= fact.start_at:
        faults.append(FieldError("end_at", "after_start_at", "An outage ends after it starts."))
    if fact.is_planned and fact.end_at is None:
        faults.append(FieldError("end_at", "required", "Planned maintenance says when it ends."))
    if not fact.is_planned:
        for name, at in (("start_at", fact.start_at), ("end_at", fact.end_at)):
            if at is not None and at > now:
                message = "Only planned maintenance lies in the future."
                faults.append(FieldError(name, "not_in_future", message))
    if faults:
        raise InvalidOutageError(faults[0].message, field_errors=faults)
