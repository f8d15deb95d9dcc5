"""A laboratory for clocks: policies, calendars and subjects made in a line, and a timer worker without a database."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import pytest

from services.sla.domain.calendars import CalendarSpecification, materialise
from services.sla.domain.catalogue import CalendarVersion, Catalogue
from services.sla.domain.clock import Clock
from services.sla.domain.events import DigestLine
from services.sla.domain.firing import decide
from services.sla.domain.ledger import Entry, EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.policies import PolicyVersion
from services.sla.domain.policy_document import read_policy
from services.sla.domain.storm_caps import Allowance, StormCaps
from services.sla.domain.subject import Subject
from services.sla.domain.timers import Timer
from shared.kernel.aggregates import DomainEvent
from shared.kernel.ids import derived_id

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
EVERY_DAY = (*WORKDAYS, "sat", "sun")
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
CUSTOMER = derived_id("customer")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@cache
def calendar_version(name: str, hours: tuple[str, str], days: tuple[str, ...]) -> CalendarVersion:
    written = {"timezone": "UTC", "weekly": {day: [list(hours)] for day in days}}
    return CalendarVersion(
        id=derived_id("calendar version", name),
        calendar_id=derived_id("calendar", name),
        name=name,
        number=1,
        effective_from=LONG_AGO,
        revision=1,
        resolved=materialise(CalendarSpecification.parse(written), range(2019, 2032)),
    )


class History:
    """One subject to which things happen, with the timers that its clocks set."""

    def __init__(
        self, policies: Sequence[PolicyVersion], calendars: Sequence[CalendarVersion], kind: str
    ) -> None:
        self.catalogue = Catalogue(1, policies, calendars)
        self.subject = Subject(id=derived_id("subject"), kind=SubjectKind(kind), revision=1)
        self.published: list[DomainEvent] = []
        self.timers: list[Timer] = []
        self.digested: list[DigestLine] = []
        self.caps = StormCaps()
        self.allowance: Allowance | None = None
        self._sequence = 0

    def entry(self, kind: str, at: datetime, *, sequence: int | None = None, **data: Any) -> Entry:
        self._sequence += 1
        number = sequence or self._sequence
        if kind == "opened":
            data = {"customer_id": str(CUSTOMER), "priority": "high", "channel": "web", "state": "new"} | data
        if kind in ("tier_changed", "customer_changed"):
            data = {"customer_id": str(CUSTOMER)} | data
        source = "valuation" if kind == "tier_changed" else "ticketing"
        return Entry(
            id=derived_id("entry", str(self._sequence)),
            kind=EntryKind(kind),
            occurred_at=at,
            recorded_at=at,
            source=source,
            sequence=number,
            event_id=derived_id("event", str(self._sequence)),
            data=data,
        )

    def happen(self, kind: str, at: datetime, *, noticed_at: datetime | None = None, **data: Any) -> None:
        """It happened `at` and is heard of then, or at `noticed_at`."""
        self.record(self.entry(kind, at, **data), now=noticed_at or at)

    def record(self, *entries: Entry, now: datetime) -> None:
        self.subject.record(entries, self.catalogue, now)
        self.collect()

    def collect(self) -> None:
        self.published += self.subject.take_events()
        changes = self.subject.take_changes()
        self.timers += changes.timers
        self.digested += changes.digest_lines

    def fire(self, now: datetime, *, up_to: datetime | None = None) -> None:
        """What the timer worker does at `now`, until nothing is due."""
        up_to = up_to or now
        for _ in range(1_000):
            due = sorted((t for t in self.timers if t.due_at <= up_to), key=lambda timer: timer.due_at)
            if not due:
                return
            timer = due[0]
            self.timers.remove(timer)
            clock = self.subject.clock(timer.clock_id, timer.cycle)
            if clock is None or timer.is_stale(clock):
                continue
            allowance = self.allowance or Allowance(self.caps)
            decision = decide(timer, clock, self.subject.id, up_to=up_to, now=now, allowance=allowance)
            self.subject.fire([(clock, decision)], now)
            self.collect()
        raise AssertionError("timers never end")

    def advance(self, to: datetime) -> None:
        """Step to each due instant in turn, as under the simulated clock."""
        for _ in range(1_000):
            due = min((timer.due_at for timer in self.timers if timer.due_at <= to), default=None)
            if due is None:
                return
            self.fire(due)
        raise AssertionError("timers never end")

    def clock(self, metric: str = "resolution", agreement: str = "sla", cycle: int | None = None) -> Clock:
        found = [c for c in self.subject.clocks.values() if c.key == (agreement, metric)]
        assert found, f"no clock of {metric}"
        return (
            max(found, key=lambda c: c.cycle) if cycle is None else next(c for c in found if c.cycle == cycle)
        )

    def effects(self) -> list[str]:
        return [line.effect for line in self.subject.folded(self.catalogue).lines]

    def names(self, *, start: int = 0) -> list[str]:
        """Names of the published events."""
        return [type(event).__name__ for event in self.published[start:]]


class Laboratory:
    """Makes policies and histories. All times are of Monday 2 March 2026, UTC."""

    monday = MONDAY
    customer = CUSTOMER
    always = calendar_version("always", ("00:00", "24:00"), EVERY_DAY)
    office = calendar_version("office", ("09:00", "17:00"), WORKDAYS)

    @staticmethod
    def at(text: str) -> datetime:
        """`10:00`, or `+1 10:00` for the next day."""
        days, _, time = text.rpartition(" ")
        hour, minute, *second = (int(part) for part in time.split(":"))
        seconds = second[0] if second else 0
        return MONDAY + timedelta(days=int(days or 0), hours=hour, minutes=minute, seconds=seconds)

    def policy(
        self,
        *targets: Mapping[str, Any],
        name: str = "standard",
        agreement: str = "sla",
        calendar: CalendarVersion | None = None,
        effective_from: datetime = LONG_AGO,
        number: int = 1,
        revision: int = 1,
        **match: Any,
    ) -> PolicyVersion:
        chosen = calendar or self.always
        document = {
            "agreement": agreement,
            "match": {"subject_kind": "ticket", **match},
            "calendar_id": str(chosen.calendar_id),
            "targets": list(targets),
        }
        content = read_policy(document)
        return PolicyVersion(
            id=derived_id("policy version", name, str(number)),
            policy_id=derived_id("policy", name),
            name=name,
            number=number,
            agreement=content.agreement,
            match=content.match,
            calendar_id=chosen.calendar_id,
            targets=content.targets,
            effective_from=effective_from,
            effective_until=None,
            revision=revision,
        )

    @staticmethod
    def target(
        metric: str = "resolution", duration: int = 8, unit: str = "business_hours", **rest: Any
    ) -> dict[str, Any]:
        return {"metric": metric, "duration": duration, "unit": unit, **rest}

    def history(self, *policies: PolicyVersion, kind: str = "ticket") -> History:
        return History(policies, (self.always, self.office), kind)

    def ticket(self, *targets: Mapping[str, Any], calendar: CalendarVersion | None = None) -> History:
        """A ticket under one policy that matches every ticket."""
        return self.history(self.policy(*(targets or (self.target(),)), calendar=calendar))


@pytest.fixture(scope="session")
def lab() -> Laboratory:
    return Laboratory()


@pytest.fixture(scope="session")
def identify() -> Callable[[str], UUID]:
    return derived_id
