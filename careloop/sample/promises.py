"""What the demo's company promises: calendars, SLA policies and tier rules, posted through the API.

No policy promises a first response: the incidents came by phone, where one is met by answering, and their log holds
no replies. Targets are those of the demo, not of the company whose log is replayed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.sample.client import SuiteClient

CALENDARS = "/sla/v1/calendars"
POLICIES = "/sla/v1/policies"
TIER_RULES = "/valuation/v1/tier-rules"

OFFICE, ALWAYS = "office hours", "around the clock"
_OFFICE_DAY = [["08:00", "12:30"], ["13:15", "18:00"]]
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# The log's times have no zone and are read as UTC; London keeps UTC in winter and changes over within the log.
CALENDAR_FORMS: Mapping[str, Mapping[str, Any]] = {
    OFFICE: {
        "timezone": "Europe/London",
        "weekly": dict.fromkeys(_WEEK[:5], _OFFICE_DAY),
        "holidays": {"country": "GB", "subdivision": "ENG", "makeup_workdays": False},
        "exceptions": {"2016-03-24": [["08:00", "12:30"]], "2016-12-24": []},
    },
    ALWAYS: {
        "timezone": "UTC",
        "weekly": {day: [["00:00", "24:00"]] for day in _WEEK},
        "holidays": None,
        "exceptions": None,
    },
}

WAITING = ["waiting_on_customer", "waiting_on_third_party"]
WARN_AT = 0.75
TIGHTER_TIERS = ["gold", "platinum"]


@dataclass(frozen=True, slots=True)
class Promise:
    """Time to own and to resolve for tickets of one priority: amount, unit, and the least left after a retarget."""

    priority: str
    calendar: str
    own: tuple[int, str, int]
    resolve: tuple[int, str, int]
    escalate_after: int


# No threshold lies nearer to an opening than 75 % of the shortest target: 22.5 of 30 minutes (see tickets.py).
STANDARD: Sequence[Promise] = (
    Promise("critical", ALWAYS, (60, "business_minutes", 15), (8, "business_hours", 2), 4),
    Promise("high", ALWAYS, (120, "business_minutes", 30), (24, "business_hours", 6), 8),
    Promise("moderate", OFFICE, (8, "business_hours", 2), (36, "business_hours", 9), 9),
    Promise("low", OFFICE, (16, "business_hours", 4), (10, "business_days", 2), 2),
)
TIGHTER: Sequence[Promise] = (
    Promise("critical", ALWAYS, (30, "business_minutes", 15), (4, "business_hours", 2), 2),
    Promise("high", ALWAYS, (60, "business_minutes", 30), (12, "business_hours", 6), 4),
    Promise("moderate", OFFICE, (4, "business_hours", 2), (18, "business_hours", 9), 9),
    Promise("low", OFFICE, (8, "business_hours", 4), (5, "business_days", 2), 2),
)
COMPLAINT_HOURS = 24

# Margin of the last 364 days in cents, at the service's default margin rate.
TIERS = (("standard", 0), ("silver", 1_000), ("gold", 3_000), ("platinum", 7_500))


def policies() -> list[dict[str, Any]]:
    """The SLA policies, with the calendar's name in the place of its id."""
    complaint = {
        "name": "complaints: answered within 24 hours",
        "agreement": "regulatory",
        "match": {"subject_kind": "complaint"},
        "calendar": None,
        "targets": [
            {
                "metric": "response",
                "duration": COMPLAINT_HOURS,
                "unit": "elapsed_hours",
                "warn_at": [WARN_AT],
                "escalations": [{"offset": 0, "target": "complaints-lead"}],
            }
        ],
    }
    standard = [_ticket_policy(promise, "standard", None) for promise in STANDARD]
    tighter = [_ticket_policy(promise, "gold and platinum", TIGHTER_TIERS) for promise in TIGHTER]
    return [*standard, *tighter, complaint]


async def post_promises(client: SuiteClient) -> None:
    """Post all of it, in force from the clock's reading on."""
    tiers = [{"name": name, "threshold_minor": threshold} for name, threshold in TIERS]
    await client.post(TIER_RULES, {"tiers": tiers}, role="admin")
    calendar_ids: dict[str, str] = {}
    for name, form in CALENDAR_FORMS.items():
        answer = await client.post(CALENDARS, {"name": name, **form}, role="admin")
        calendar_ids[name] = answer.body["id"]
    for policy in policies():
        calendar = policy.pop("calendar")
        body = {**policy, "calendar_id": None if calendar is None else calendar_ids[calendar]}
        await client.post(POLICIES, body, role="admin")


def _ticket_policy(promise: Promise, who: str, tiers: list[str] | None) -> dict[str, Any]:
    match: dict[str, Any] = {"subject_kind": "ticket", "priority": [promise.priority]}
    if tiers is not None:
        match["tier"] = tiers
    own, own_unit, own_notice = promise.own
    resolve, unit, notice = promise.resolve
    return {
        "name": f"{promise.priority} tickets of {who} customers",
        "agreement": "sla",
        "match": match,
        "calendar": promise.calendar,
        "targets": [
            {
                "metric": "time_to_own",
                "duration": own,
                "unit": own_unit,
                "notice": own_notice,
                "warn_at": [WARN_AT],
                "escalations": [{"offset": 0, "target": "team-lead"}],
            },
            {
                "metric": "resolution",
                "duration": resolve,
                "unit": unit,
                "notice": notice,
                "pauses_on": WAITING,
                "warn_at": [WARN_AT],
                "on_reopen": "continue",
                "escalations": [
                    {"offset": 0, "target": "team-lead"},
                    {"offset": promise.escalate_after, "target": "service-manager"},
                ],
            },
        ],
    }
