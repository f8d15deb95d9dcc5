"""Availability of months: worked examples, odd months, overlaps, planned maintenance."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.sla.domain.availability.errors import InvalidObjectiveError, InvalidOutageError
from services.sla.domain.availability.intervals import Interval
from services.sla.domain.availability.measurement import MonthlyAvailability, Observations, measure
from services.sla.domain.availability.months import Month
from services.sla.domain.availability.objective import (
    Objective,
    ObjectiveVersion,
    PlannedRule,
    check_objective,
    check_version,
)
from services.sla.domain.availability.outages import Outage, OutageFact, check_fact
from services.sla.domain.errors import OverlappingEffectiveDatesError

ID = UUID("0197a3c1-0000-7000-8000-000000000001")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SECOND = 1_000_000


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def version(target: str = "0.999", **facts: Any) -> ObjectiveVersion:
    given: dict[str, Any] = {"number": 1, "target": Decimal(target), "effective_from": LONG_AGO}
    return ObjectiveVersion(**given | facts)


def objective(zone: str = "UTC", *versions: ObjectiveVersion) -> Objective:
    return Objective(
        id=ID,
        name="cloud",
        offering="cloud",
        timezone=zone,
        created_at=LONG_AGO,
        evaluated_until=LONG_AGO,
        versions=list(versions) or [version()],
    )


def fact(
    start: str,
    end: str | None = None,
    *,
    planned: bool = False,
    recorded: str | None = None,
    retracted: bool = False,
) -> OutageFact:
    return OutageFact(
        start_at=at(start),
        end_at=None if end is None else at(end),
        cause="network",
        is_planned=planned,
        is_retracted=retracted,
        recorded_at=at(recorded or start),
    )


def outage(start: str, end: str | None = None, **facts: Any) -> Outage:
    return Outage(ID, (fact(start, end, **facts),))


def month_of(
    text: str, *outages: Outage, now: str = "2030-01-01", held: Objective | None = None
) -> MonthlyAvailability:
    month = Month.read(text)
    assert month is not None
    found = (held or objective()).measured(month)
    assert found is not None
    return measure(month, *found, Observations(outages), at(now))


def test_three_nines_of_thirty_days_are_43_minutes_12_seconds() -> None:
    assert month_of("2026-04").budget == (43 * 60 + 12) * SECOND


@pytest.mark.parametrize(
    ("month", "zone", "hours"),
    [
        ("2026-02", "UTC", 28 * 24),
        ("2028-02", "UTC", 29 * 24),
        ("2026-03", "Europe/Berlin", 31 * 24 - 1),
        ("2026-10", "Europe/Berlin", 31 * 24 + 1),
        ("2026-04", "Australia/Lord_Howe", 30 * 24 + 0.5),
        ("2011-12", "Pacific/Apia", 30 * 24),
        ("2026-12", "Asia/Kathmandu", 31 * 24),
    ],
)
def test_months_are_as_long_as_the_zone_makes_them(month: str, zone: str, hours: float) -> None:
    read = Month.read(month)
    assert read is not None
    assert read.bounds(ZoneInfo(zone)).microseconds == hours * 3_600 * SECOND


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "2026-3", "26-03", "0000-01", "1969-12", "9999-01", "march"]
)
def test_what_is_no_month_is_not_read_as_one(text: str) -> None:
    assert Month.read(text) is None


DOWNTIME: dict[str, tuple[list[Outage], str, float]] = {
    "within": ([outage("2026-04-02T10:00", "2026-04-02T10:30")], "2030-01-01", 30),
    "over the beginning": ([outage("2026-03-31T23:50", "2026-04-01T00:10")], "2030-01-01", 10),
    "over the end": ([outage("2026-04-30T23:50", "2026-05-01T00:10")], "2030-01-01", 10),
    "the whole month": ([outage("2026-03-01T00:00", "2026-06-01T00:00")], "2030-01-01", 30 * 24 * 60),
    "another month": ([outage("2026-05-01T00:00", "2026-05-01T01:00")], "2030-01-01", 0),
    "overlapping": (
        [outage("2026-04-02T10:00", "2026-04-02T11:00"), outage("2026-04-02T10:30", "2026-04-02T11:30")],
        "2030-01-01",
        90,
    ),
    "one in the other": (
        [outage("2026-04-02T10:00", "2026-04-02T12:00"), outage("2026-04-02T10:30", "2026-04-02T11:00")],
        "2030-01-01",
        120,
    ),
    "still open": ([outage("2026-04-02T10:00")], "2026-04-02T10:07", 7),
    "still open when the month ends": ([outage("2026-04-30T23:00")], "2026-05-03T00:00", 60),
    "not there after all": (
        [outage("2026-04-02T10:00", "2026-04-02T11:00", retracted=True)],
        "2030-01-01",
        0,
    ),
}


@pytest.mark.parametrize("name", DOWNTIME)
def test_downtime_counts_once_and_within_the_month(name: str) -> None:
    outages, now, minutes = DOWNTIME[name]
    assert month_of("2026-04", *outages, now=now).down == minutes * 60 * SECOND


def planned(*facts: OutageFact) -> Outage:
    return Outage(ID, facts)


EVE = "2026-04-01T12:00"
MAINTENANCE: dict[str, tuple[list[Outage], str, int, float, float]] = {
    # outages, rule, notice seconds, minutes that count, minutes that do not
    "announced": (
        [planned(fact("2026-04-02T02:00", "2026-04-02T04:00", planned=True, recorded=EVE))],
        "if_announced",
        0,
        0,
        120,
    ),
    "announced too late for the notice": (
        [planned(fact("2026-04-02T02:00", "2026-04-02T04:00", planned=True, recorded=EVE))],
        "if_announced",
        72 * 3_600,
        120,
        0,
    ),
    "called planned afterwards": (
        [
            planned(
                fact("2026-04-02T02:00", "2026-04-02T04:00", planned=True, recorded="2026-04-02T05:00"),
            )
        ],
        "if_announced",
        0,
        120,
        0,
    ),
    "called planned afterwards where that is allowed": (
        [
            planned(
                fact("2026-04-02T02:00", "2026-04-02T04:00", planned=True, recorded="2026-04-02T05:00"),
            )
        ],
        "excluded",
        0,
        0,
        120,
    ),
    "goes on longer than announced": (
        [
            planned(
                fact("2026-04-02T02:00", "2026-04-02T04:00", planned=True, recorded=EVE),
                fact("2026-04-02T02:00", "2026-04-02T05:00", planned=True, recorded="2026-04-02T05:10"),
            )
        ],
        "if_announced",
        0,
        60,
        120,
    ),
    "shorter than announced": (
        [
            planned(
                fact("2026-04-02T02:00", "2026-04-02T04:00", planned=True, recorded=EVE),
                fact("2026-04-02T02:00", "2026-04-02T03:00", planned=True, recorded="2026-04-02T03:10"),
            )
        ],
        "if_announced",
        0,
        0,
        60,
    ),
    "called off": (
        [
            planned(
                fact("2026-04-02T02:00", "2026-04-02T04:00", planned=True, recorded=EVE),
                fact("2026-04-02T02:00", "2026-04-02T04:00", planned=True, recorded=EVE, retracted=True),
            )
        ],
        "if_announced",
        0,
        0,
        0,
    ),
    "planned overlapping unplanned": (
        [
            planned(fact("2026-04-02T02:00", "2026-04-02T04:00", planned=True, recorded=EVE)),
            outage("2026-04-02T03:30", "2026-04-02T04:30"),
        ],
        "if_announced",
        0,
        30,
        120,
    ),
    "counted by rule": (
        [planned(fact("2026-04-02T02:00", "2026-04-02T04:00", planned=True, recorded=EVE))],
        "counted",
        0,
        120,
        0,
    ),
}


@pytest.mark.parametrize("name", MAINTENANCE)
def test_planned_maintenance_is_excluded_by_the_rule_only(name: str) -> None:
    outages, rule, notice, counted, excluded = MAINTENANCE[name]
    held = objective("UTC", version(planned=PlannedRule(rule), notice_seconds=notice))
    found = month_of("2026-04", *outages, held=held)
    assert (found.down, found.excluded) == (counted * 60 * SECOND, excluded * 60 * SECOND)
    assert found.agreed == (30 * 24 * 60 - excluded) * 60 * SECOND
    assert found.budget == Fraction(found.agreed, 1_000)


def test_downtime_equal_to_the_budget_keeps_the_objective() -> None:
    found = month_of("2026-04", outage("2026-04-02T10:00:00", "2026-04-02T10:43:12"))
    assert (found.availability, found.breached_at) == (Fraction(999, 1_000), None)
    assert found.budget_left == 0


def test_breach_is_the_instant_at_which_the_budget_was_spent() -> None:
    found = month_of(
        "2026-04",
        outage("2026-04-02T10:00", "2026-04-02T10:40"),
        outage("2026-04-20T10:00", "2026-04-20T10:10"),
    )
    assert found.breached_at == at("2026-04-20T10:03:12")
    assert found.budget_left == -(6 * 60 + 48) * SECOND


def test_availability_of_a_month_at_hand_is_of_what_has_passed() -> None:
    found = month_of("2026-04", outage("2026-04-01T00:00", "2026-04-01T12:00"), now="2026-04-02T00:00")
    assert found.availability == Fraction(1, 2)
    assert month_of("2026-04", now="2026-03-01T00:00").availability is None


def test_an_easier_target_helps_from_the_next_month_on() -> None:
    easier = version("0.9", number=2, effective_from=at("2026-04-10"))
    held = objective("UTC", version(), easier)
    assert [month_of(text, held=held).version.number for text in ("2026-03", "2026-04", "2026-05")] == [
        1,
        1,
        2,
    ]


def test_first_month_is_measured_from_the_beginning_of_the_objective() -> None:
    held = objective("UTC", version(effective_from=at("2026-04-16")))
    found = month_of("2026-04", outage("2026-04-15T23:00", "2026-04-16T01:00"), held=held)
    assert found.measured == Interval(at("2026-04-16"), at("2026-05-01"))
    assert found.down == 3_600 * SECOND
    assert held.measured(Month(2026, 3)) is None


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"target": Decimal(1)}, "target", "between_0_and_1"),
        ({"target": Decimal(0)}, "target", "between_0_and_1"),
        ({"target": Decimal("99.9")}, "target", "between_0_and_1"),
        ({"effective_until": LONG_AGO}, "effective_until", "after_effective_from"),
        ({"effective_from": datetime(1, 1, 2, tzinfo=UTC)}, "effective_from", "range"),
    ],
)
def test_impossible_objectives_are_named(change: dict[str, Any], field: str, rule: str) -> None:
    with pytest.raises(InvalidObjectiveError) as refused:
        check_version(version(**change), [], LONG_AGO)
    assert [(fault.field, fault.rule) for fault in refused.value.field_errors] == [(field, rule)]


def test_versions_follow_each_other_and_do_not_rewrite_the_past() -> None:
    first = version(effective_from=at("2026-03-01"), effective_until=at("2026-06-01"))
    overlapping = version(number=2, effective_from=at("2026-05-01"))
    with pytest.raises(OverlappingEffectiveDatesError):
        check_version(overlapping, [first], at("2026-04-01"))
    with pytest.raises(InvalidObjectiveError, match="from now on"):
        check_version(version(number=2, effective_from=at("2026-07-01")), [first], at("2026-08-01"))


def test_unknown_zone_is_named() -> None:
    with pytest.raises(InvalidObjectiveError) as refused:
        check_objective("cloud", "cloud", "Mars/Olympus")
    assert [(fault.field, fault.rule) for fault in refused.value.field_errors] == [
        ("timezone", "known_timezone")
    ]


@pytest.mark.parametrize(
    ("bad", "field", "rule"),
    [
        (fact("2026-04-02T10:00", "2026-04-02T09:00"), "end_at", "after_start_at"),
        (fact("2026-04-02T10:00", "2026-04-02T10:00"), "end_at", "after_start_at"),
        (fact("2026-04-04T10:00"), "start_at", "not_in_future"),
        (fact("2026-04-02T10:00", "2026-04-04T10:00"), "end_at", "not_in_future"),
        (fact("2026-04-04T10:00", planned=True), "end_at", "required"),
    ],
)
def test_impossible_outages_are_named(bad: OutageFact, field: str, rule: str) -> None:
    with pytest.raises(InvalidOutageError) as refused:
        check_fact(bad, at("2026-04-03"))
    assert [(fault.field, fault.rule) for fault in refused.value.field_errors] == [(field, rule)]


def test_an_outage_as_it_was_known() -> None:
    found = planned(
        fact("2026-04-02T10:00", recorded="2026-04-02T10:01"),
        fact("2026-04-02T09:50", "2026-04-02T10:20", recorded="2026-04-02T10:30"),
    )
    assert found.as_known_at(at("2026-04-02T10:00")) is None
    earlier = found.as_known_at(at("2026-04-02T10:10"))
    assert earlier is not None
    assert earlier.latest.end_at is None
    assert found.as_known_at(at("2026-04-03")) == found
    assert timedelta(0) < at("2026-04-03") - found.latest.recorded_at
