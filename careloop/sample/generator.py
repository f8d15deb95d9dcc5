"""A seeded stand-in for the incident and complaint logs, for those who have not got them.

The distributions are read off the two public logs (3,000 updates of 447 incidents of the UCI "Incident management
process enriched event log"; 1,600 complaints of the CFPB) and tabulated here; durations are quantiles, drawn by
linear interpolation. What is generated is recorded in the logs' own form and goes through the same mapping.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

from careloop.sample.history import Incident, LoggedComplaint, LoggedUpdate

INCIDENTS = 447
COMPLAINTS = 1600
OPENING_DAYS = (date(2016, 2, 29), date(2016, 3, 1))

# Openings by hour of the day.
ARRIVALS_BY_HOUR: Mapping[int, int] = {
    1: 6, 2: 2, 3: 1, 4: 1, 5: 1, 6: 4, 7: 7, 8: 41, 9: 68, 10: 53, 11: 44, 12: 46, 13: 34, 14: 50, 15: 53,
    16: 18, 17: 8, 18: 2, 19: 1, 20: 1, 21: 3, 22: 1, 23: 2,
}  # fmt: skip
PRIORITIES: Mapping[str, int] = {"1 - Critical": 12, "2 - High": 11, "3 - Moderate": 371, "4 - Low": 53}
# Waits of one incident, by how often.
WAITS: Mapping[int, int] = {0: 302, 1: 128, 2: 12, 3: 5}
WAITING_STATES: Mapping[str, int] = {"Awaiting User Info": 150, "Awaiting Problem": 17}
FIRST_STATES: Mapping[str, int] = {"New": 338, "Active": 88, "Resolved": 16, "Awaiting User Info": 5}
# Of those that appear as new, how many are resolved without ever having been active.
RESOLVED_FROM_NEW = 137 / 338
REOPENED = 6 / 447
ASSIGNED_BY_NAME = 320 / 447
CATEGORIES: Mapping[str, int] = {
    "Category 53": 93, "Category 45": 67, "Category 9": 34, "Category 32": 29, "Category 20": 24, "Category 37": 24,
    "Category 42": 21, "Category 26": 21, "Category 23": 18, "Category 24": 16, "Category 55": 15, "Category 61": 15,
}  # fmt: skip
GROUPS = 39
CALLERS = 349

QUANTILES = (0.0, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 1.0)
# Hours, at QUANTILES.
HOURS_TO_START = (0.0, 0.0, 0.0, 0.2, 8.8, 45.1, 73.8, 189.1, 419.7, 430.9)
HOURS_WAITING = (0.0, 1.0, 3.8, 23.2, 73.2, 242.4, 697.8, 1434.8, 7056.2, 7121.8)
HOURS_TO_CLOSE = (0.0, 120.0, 120.1, 120.3, 120.7, 121.0, 250.4, 369.9, 418.2, 2006.7)
HOURS_TO_RESOLVE: Mapping[str, Sequence[float]] = {
    "1 - Critical": (4.9, 4.9, 5.9, 43.6, 381.9, 603.4, 881.7, 1178.6, 1178.6, 1178.6),
    "2 - High": (0.3, 0.3, 3.0, 3.0, 28.1, 379.9, 384.9, 394.6, 394.6, 394.6),
    "3 - Moderate": (0.0, 0.1, 0.8, 7.8, 48.9, 96.2, 343.3, 523.8, 1056.3, 2181.3),
    "4 - Low": (0.0, 0.3, 7.4, 46.8, 241.8, 698.0, 2586.8, 6473.9, 7122.3, 7122.3),
}

SUBMITTED_VIA: Mapping[str, int] = {"Web": 1079, "Referral": 302, "Phone": 101, "Postal mail": 90, "Fax": 28}
COMPANY_RESPONSES: Mapping[str, int] = {
    "Closed with explanation": 1246, "Closed with non-monetary relief": 172, "Closed with monetary relief": 128,
    "Closed": 42, "Untimely response": 11, "In progress": 1,
}  # fmt: skip
PRODUCTS: Mapping[str, int] = {
    "Mortgage": 504, "Debt collection": 294, "Credit reporting": 285, "Bank account or service": 205,
    "Credit card": 181, "Consumer Loan": 78, "Student loan": 15, "Payday loan": 14, "Prepaid card": 11,
    "Money transfers": 10, "Other financial service": 3,
}  # fmt: skip
TIMELY = 1558 / 1600
DISPUTED = 301 / 1575


def generate_incidents(seed: int, count: int = INCIDENTS) -> list[Incident]:
    """`count` incidents of two days; the same seed gives the same incidents."""
    random = Random(seed)  # noqa: S311 - a demo, not a secret
    return [_incident(random, f"GEN{number:07d}") for number in range(1, count + 1)]


def generate_complaints(seed: int, count: int = COMPLAINTS) -> list[LoggedComplaint]:
    """`count` complaints received over one month; the same seed gives the same complaints."""
    random = Random(seed)  # noqa: S311 - a demo, not a secret
    return [
        LoggedComplaint(
            number=f"GEN-{number:05d}",
            received_on=OPENING_DAYS[1] + timedelta(days=random.randrange(30)),
            submitted_via=_drawn(random, SUBMITTED_VIA),
            product=_drawn(random, PRODUCTS),
            issue="",
            company_response=_drawn(random, COMPANY_RESPONSES),
            timely=random.random() < TIMELY,
            disputed=random.random() < DISPUTED,
        )
        for number in range(1, count + 1)
    ]


def _incident(random: Random, number: str) -> Incident:
    opened_at = datetime(
        *random.choice(OPENING_DAYS).timetuple()[:3],
        hour=int(_drawn(random, {str(hour): weight for hour, weight in ARRIVALS_BY_HOUR.items()})),
        minute=random.randrange(60),
        tzinfo=UTC,
    )
    priority = _drawn(random, PRIORITIES)
    first = _drawn(random, FIRST_STATES)
    assignee = f"Resolver {random.randrange(1, 120)}" if random.random() < ASSIGNED_BY_NAME else None
    row = LoggedUpdate(
        at=opened_at,
        state=first,
        priority=priority,
        category=_drawn(random, CATEGORIES),
        group=f"Group {random.randrange(1, GROUPS + 1)}",
        assignee=None,
    )
    rows = [row]
    resolved_at = opened_at + _hours(random, HOURS_TO_RESOLVE[priority])
    straight = first == "Resolved" or (first == "New" and random.random() < RESOLVED_FROM_NEW)
    if not straight:
        started_at = min(opened_at + _hours(random, HOURS_TO_START), resolved_at)
        rows.append(replace(row, at=started_at, state="Active", assignee=assignee))
        rows += _waits(random, rows[-1], resolved_at)
    resolution = replace(rows[-1], at=max(resolved_at, rows[-1].at), state="Resolved", assignee=assignee)
    rows.append(resolution)
    if random.random() < REOPENED:
        again_at = resolution.at + timedelta(hours=random.randrange(1, 72))
        rows.append(replace(resolution, at=again_at, state="Active"))
        rows.append(replace(resolution, at=again_at + timedelta(hours=random.randrange(1, 48))))
    rows.append(replace(rows[-1], at=rows[-1].at + _hours(random, HOURS_TO_CLOSE), state="Closed"))
    caller = f"Caller {random.randrange(1, CALLERS + 1)}"
    return Incident(number, caller, opened_at, "Phone", [_to_the_minute(update) for update in rows])


def _waits(random: Random, row: LoggedUpdate, resolved_at: datetime) -> list[LoggedUpdate]:
    """Waiting and resuming, in turn, all before the resolution; a wait that would outlast it ends with it."""
    rows: list[LoggedUpdate] = []
    for _ in range(int(_drawn(random, {str(waits): weight for waits, weight in WAITS.items()}))):
        begins_at = row.at + (resolved_at - row.at) * random.random()
        row = replace(row, at=begins_at, state=_drawn(random, WAITING_STATES))
        rows.append(row)
        ends_at = begins_at + _hours(random, HOURS_WAITING)
        if ends_at >= resolved_at:
            break
        row = replace(row, at=ends_at, state="Active")
        rows.append(row)
    return rows


def _to_the_minute(update: LoggedUpdate) -> LoggedUpdate:
    # The log that this stands for records minutes.
    return replace(update, at=update.at.replace(second=0, microsecond=0))


def _drawn(random: Random, weights: Mapping[str, int]) -> str:
    return random.choices(list(weights), list(weights.values()))[0]


def _hours(random: Random, hours: Sequence[float]) -> timedelta:
    drawn = random.random()
    upper = min(bisect_right(QUANTILES, drawn), len(QUANTILES) - 1)
    low, high = QUANTILES[upper - 1], QUANTILES[upper]
    share = (drawn - low) / (high - low)
    return timedelta(hours=hours[upper - 1] + share * (hours[upper] - hours[upper - 1]))
