"""Periods, percentiles, groups and cells of reports."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sla.api.report_formats import cell, to_csv
from services.sla.domain.clock_status import ClockState
from services.sla.domain.reports import tables
from services.sla.domain.reports.errors import ReportTooLargeError
from services.sla.domain.reports.facts import CycleFact, LedgerFacts
from services.sla.domain.reports.periods import Period
from services.sla.domain.reports.tables import AttainmentTable, DurationTable, Scope, percentile, share

START = datetime(2026, 3, 1, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


def cycle(started_at: datetime = START, state: ClockState = ClockState.MET, **facts: object) -> CycleFact:
    values: dict[str, object] = {
        "described": {"metric": "resolution", "queue": None},
        "started_at": started_at,
        "state": state,
        "is_open": state in (ClockState.RUNNING, ClockState.OVERDUE),
        "is_fulfilled": state in (ClockState.MET, ClockState.MISSED),
        "unit": "business_seconds",
        "passed": 60.0,
        "breached_at": START if state in (ClockState.MISSED, ClockState.OVERDUE) else None,
        "breach": None,
    }
    return CycleFact(**(values | facts))  # type: ignore[arg-type]


def scope(*group_by: str, period: Period | None = None) -> Scope:
    return Scope(START, START + timedelta(days=31), UTC_ZONE, group_by, period)


def of(*cycles: CycleFact) -> LedgerFacts:
    return LedgerFacts(list(cycles), [], None)


@pytest.mark.parametrize(
    ("period", "zone", "at", "expected"),
    [
        (Period.DAY, "UTC", "2026-03-01T23:30:00", "2026-03-01"),
        (Period.DAY, "Asia/Shanghai", "2026-03-01T23:30:00", "2026-03-02"),
        (Period.WEEK, "UTC", "2026-01-01T12:00:00", "2026-W01"),
        (Period.WEEK, "UTC", "2027-01-02T12:00:00", "2026-W53"),
        (Period.MONTH, "America/Sao_Paulo", "2026-03-01T02:00:00", "2026-02"),
    ],
)
def test_periods_are_local(period: Period, zone: str, at: str, expected: str) -> None:
    assert period.of(datetime.fromisoformat(at).replace(tzinfo=UTC), ZoneInfo(zone)) == expected


@given(st.lists(st.integers(0, 1_000), min_size=1), st.sampled_from([50, 90, 95, 100]))
def test_percentile_is_the_least_value_that_so_many_do_not_exceed(values: list[int], percent: int) -> None:
    ordered = sorted(float(value) for value in values)
    found = percentile(ordered, percent)
    needed = math.ceil(len(ordered) * percent / 100)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= needed
    assert sum(value < found for value in ordered) < needed


def test_an_open_clock_that_is_overdue_is_missed_and_a_running_one_is_nothing_yet() -> None:
    table = AttainmentTable(scope("metric"))
    table.add(of(cycle(), cycle(state=ClockState.OVERDUE), cycle(state=ClockState.RUNNING)))
    (row,) = table.rows()
    assert [row[name] for name in ("clocks", "met", "missed", "open", "open_breached", "attainment")] == [
        3,
        1,
        1,
        2,
        1,
        0.5,
    ]


def test_a_clock_cancelled_after_its_breach_is_missed() -> None:
    table = AttainmentTable(scope("metric"))
    table.add(of(cycle(state=ClockState.MISSED, is_fulfilled=False)))
    table.add(of(cycle(state=ClockState.CANCELLED)))
    (row,) = table.rows()
    assert (row["missed"], row["cancelled"], row["attainment"]) == (1, 1, 0.0)


def test_giving_a_promise_up_does_not_raise_the_share_of_those_made() -> None:
    table = AttainmentTable(scope("metric"))
    table.add(of(cycle(), cycle(), cycle(state=ClockState.CANCELLED)))
    (row,) = table.rows()
    assert (row["attainment"], row["attainment_of_promised"]) == (1.0, 0.6667)


def test_starts_outside_the_half_open_range_do_not_count() -> None:
    table = AttainmentTable(scope("metric"))
    table.add(of(cycle(START - timedelta(microseconds=1)), cycle(START), cycle(START + timedelta(days=31))))
    assert table.rows()[0]["clocks"] == 1


def test_units_are_not_mixed() -> None:
    table = DurationTable(scope("metric"))
    table.add(of(cycle(), cycle(unit="business_days", passed=3.0), cycle(unit=None)))
    assert [(row["unit"], row["p50"]) for row in table.rows()] == [
        ("business_days", 3.0),
        ("business_seconds", 60.0),
    ]


def test_every_row_has_every_column() -> None:
    for name, kind in tables.KINDS.items():
        table = kind.table(scope(*kind.usual, period=Period.MONTH))
        assert table.columns[0] == "period", name
        if name in ("attainment", "durations"):
            table.add(of(cycle()))
            assert list(table.rows()[0]) == table.columns


def test_absent_groups_come_last() -> None:
    table = AttainmentTable(scope("queue"))
    for queue in (None, "b", "a"):
        table.add(of(cycle(described={"queue": queue})))
    assert [row["queue"] for row in table.rows()] == ["a", "b", None]


def test_groups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_GROUPS", 2)
    table = AttainmentTable(scope("queue"))
    with pytest.raises(ReportTooLargeError):
        table.add(of(*(cycle(described={"queue": str(number)}) for number in range(3))))


def test_share_of_nothing_is_nothing() -> None:
    assert share(0, 0) is None
    assert share(2, 3) == 0.6667


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_cells_are_no_formulas(sign: str) -> None:
    assert cell(f"{sign}1+1") == f"'{sign}1+1"
    assert cell("a" + sign) == "a" + sign
    assert to_csv(["a"], [{"a": f"{sign}1"}]).decode().splitlines()[0] == "a"


def test_numbers_and_nothing_are_left_alone() -> None:
    assert [cell(value) for value in (-1.5, 0, None, "x")] == ["-1.5", "0", "", "x"]
