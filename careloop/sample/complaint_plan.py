"""From a published complaint to commands, by declared tables.

The public record has dates without times and no steps between receipt and answer. What it says is kept: the order
of receipt, the way in, whether the answer was timely, how it ended, whether the customer disputed it. What it does
not say is filled in by a stable hash of the complaint's number, within the bounds below, and the report says so.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b

from careloop.sample.history import LoggedComplaint

MONTH_DAYS = 30
# What is filled in is filled in to ten minutes: no record is more exact than that.
GRID_MINUTES = 10
# Of the day's minutes, those in which complaints come in.
FIRST_MINUTE, LAST_MINUTE = 8 * 60, 18 * 60

CHANNELS: Mapping[str, str] = {
    "Web": "web",
    "Email": "email",
    "Phone": "phone",
    "Postal mail": "letter",
    "Fax": "letter",
    "Referral": "letter",
}
# How the company's response reads as an outcome and a cause.
OUTCOMES: Mapping[str, tuple[str, str] | None] = {
    "Closed with explanation": ("not_upheld", "expectation"),
    "Closed with non-monetary relief": ("partly_upheld", "communication"),
    "Closed with monetary relief": ("upheld", "billing_error"),
    "Closed": ("not_upheld", "expectation"),
    "Untimely response": ("not_upheld", "slow_handling"),
    "In progress": None,
}
# Hours from receipt to the first answer by a person, for timely answers and for others.
TIMELY_HOURS = (0.5, 23.0)
LATE_HOURS = (25.0, 96.0)
OWNER_MINUTES = (5, 25)
DECISION_DAYS = (1.0, 20.0)
OWNERS = 12


@dataclass(frozen=True, slots=True)
class ComplaintStep:
    """One command on one complaint, with what it says."""

    at: datetime
    command: str
    facts: Mapping[str, object]


def complaint_steps(complaint: LoggedComplaint, month: date, counts: Counter[str]) -> list[ComplaintStep]:
    """The commands that replay one complaint in the `MONTH_DAYS` days from `month`, in order of time."""
    day = month + timedelta(days=complaint.received_on.toordinal() % MONTH_DAYS)
    minute = timedelta(minutes=_between(complaint, "minute", FIRST_MINUTE, LAST_MINUTE))
    received_at = datetime.combine(day, time(), UTC) + _on_grid(minute)
    channel = CHANNELS.get(complaint.submitted_via, "web")
    counts[f"{complaint.submitted_via} → {channel}"] += 1
    facts = {"channel": channel, "category": complaint.product}
    steps = [ComplaintStep(received_at, "receive", facts)]

    owner = f"owner-{round(_between(complaint, 'owner', 1, OWNERS))}"
    assigned_at = received_at + _on_grid(timedelta(minutes=_between(complaint, "assigned", *OWNER_MINUTES)))
    steps.append(ComplaintStep(assigned_at, "assign", {"owner": owner}))

    hours = _between(complaint, "answered", *(TIMELY_HOURS if complaint.timely else LATE_HOURS))
    answered_at = received_at + _on_grid(timedelta(hours=hours))
    counts["answered in time" if complaint.timely else "answered late"] += 1
    steps.append(ComplaintStep(answered_at, "respond", {}))

    ending = OUTCOMES.get(complaint.company_response)
    if ending is None:
        counts[f"{complaint.company_response} → stays open"] += 1
        return steps
    outcome, cause = ending
    counts[f"{complaint.company_response} → {outcome}"] += 1
    decided_at = answered_at + _on_grid(timedelta(days=_between(complaint, "decided", *DECISION_DAYS)))
    if outcome == "upheld":
        # Money was paid back: that is serious, and needs its cause found and mended before it may close.
        steps.append(ComplaintStep(decided_at, "assess_severity", {"severity": "serious"}))
    if outcome in {"upheld", "partly_upheld"}:
        steps.append(ComplaintStep(decided_at, "find_root_cause", {"cause": cause}))
        steps.append(ComplaintStep(decided_at, "correct", {}))
        steps.append(ComplaintStep(decided_at, "verify_correction", {}))
    steps.append(ComplaintStep(decided_at, "decide", {"outcome": outcome, "cause": cause}))
    told_at = decided_at + timedelta(days=1)
    if channel == "letter":
        steps.append(ComplaintStep(told_at, "hand_over", {"channel": "letter"}))
    if complaint.disputed is not None:
        counts["disputed" if complaint.disputed else "not disputed"] += 1
        steps.append(ComplaintStep(told_at, "record_satisfaction", {"satisfied": not complaint.disputed}))
    steps.append(ComplaintStep(told_at, "close", {}))
    return steps


def stable_share(*parts: str) -> float:
    """The same number in [0, 1) for the same words, in every process and version."""
    digest = blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def _between(complaint: LoggedComplaint, purpose: str, low: float, high: float) -> float:
    return low + stable_share(complaint.number, purpose) * (high - low)


def _on_grid(duration: timedelta) -> timedelta:
    grid = timedelta(minutes=GRID_MINUTES)
    return round(duration / grid) * grid
