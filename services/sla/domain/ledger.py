"""The ledger: what was heard about one subject, append-only, in the order in which it happened."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Any
from uuid import UUID


class EntryKind(StrEnum):
    """What a line of the ledger says. A clock reads every line of its subject; most concern it little."""

    OPENED = "opened"
    CLASSIFIED = "classified"
    PRIORITISED = "prioritised"
    SEVERITY_ASSESSED = "severity_assessed"
    CUSTOMER_CHANGED = "customer_changed"
    TIER_CHANGED = "tier_changed"
    ASSIGNED = "assigned"
    TRANSFERRED = "transferred"
    WORK_STARTED = "work_started"
    REPLIED = "replied"
    CUSTOMER_REPLIED = "customer_replied"
    WAITING = "waiting"
    RESUMED = "resumed"
    ACKNOWLEDGED = "acknowledged"
    RESPONDED = "responded"
    DECIDED = "decided"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    DELETED = "deleted"
    MERGED = "merged"
    COMMITTED = "committed"
    """A date was promised to the customer, who was told."""
    RECOMMITTED = "recommitted"
    """Another date was promised in its place, for a reason; the customer was told."""
    INHERITED = "inherited"
    """A subject was merged into this one: the earlier due date of a metric goes on here."""
    CORRECTED = "corrected"
    """A supervisor showed, with evidence, that another line happened at another instant (rule 7)."""
    POLICY_CHANGED = "policy_changed"
    """A version of a policy that came later than the subject's pinned ones was applied to it (sla.md §4)."""
    CALENDAR_CHANGED = "calendar_changed"
    """So was a version of a calendar."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    occurred_at  the instant that counts
    recorded_at  when the source wrote it down
    claimed_at   the instant it claimed to have happened at, where that was not trusted
    source       who said so (ticketing, complaints, valuation, sla, correction), with its own `sequence`
    event_id     the event that caused it; the same event writes the same line once
    """

    id: UUID
    kind: EntryKind
    occurred_at: datetime
    recorded_at: datetime
    source: str
    sequence: int
    event_id: UUID
    claimed_at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def order(self) -> tuple[datetime, str, int, UUID]:
        """By instant, then by the source's own count: real logs have many lines in one minute."""
        return self.occurred_at, self.source, self.sequence, self.event_id


# `Entry.order`, read without a call of ours: every fold sorts.
_ORDER = attrgetter("occurred_at", "source", "sequence", "event_id")

# Lines by which a later version of the catalogue reaches a subject that has pinned an earlier revision.
APPLIED = frozenset({EntryKind.POLICY_CHANGED, EntryKind.CALENDAR_CHANGED})


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The lines as the fold reads them, whatever order they arrived in; corrected ones at their true instant."""
    lines = list(entries)
    corrections = [entry for entry in lines if entry.kind is EntryKind.CORRECTED]
    if corrections:
        moved = {
            UUID(entry.data["entry_id"]): datetime.fromisoformat(entry.data["occurred_at"])
            for entry in sorted(corrections, key=lambda entry: entry.order)
        }
        lines = [replace(entry, occurred_at=moved.get(entry.id, entry.occurred_at)) for entry in lines]
    return sorted(lines, key=_ORDER)


def trusted_instant(
    claimed_at: datetime, recorded_at: datetime, tolerance: timedelta
) -> tuple[datetime, datetime | None]:
    """Rule 7: the instant that counts, and the claim if it was not believed.

    A claim up to `tolerance` before the record counts; one further back, or after the record, does not:
    the time of recording counts instead.
    """
    if recorded_at - tolerance <= claimed_at <= recorded_at:
        return claimed_at, None
    return recorded_at, claimed_at
