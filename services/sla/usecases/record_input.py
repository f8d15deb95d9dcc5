"""Something happened to a subject: a line in its ledger, and its clocks follow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.sla.domain.ledger import Entry, EntryKind, trusted_instant
from services.sla.domain.subject import Subject
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.persistence.customer_store import TierRow
from services.sla.usecases.subject_batch import SubjectBatch
from shared.db.work import Work
from shared.kernel.ids import derived_id, new_id


@dataclass(frozen=True, slots=True)
class RecordInput:
    """One input as its source tells it.

    recorded_at  when the source recorded it
    claimed_at   when it is said to have happened, where the source says so apart from that
    numbers      of an opening: the subject's number and the number it has elsewhere
    """

    subject_id: UUID
    kind: EntryKind
    source: str
    sequence: int
    event_id: UUID
    recorded_at: datetime
    claimed_at: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    numbers: tuple[str | None, str | None] = (None, None)


async def record_input(
    command: RecordInput, work: Work, *, catalogues: Catalogues, tolerance: timedelta
) -> None:
    """Append the line and let the clocks follow. An opening brings the customer's tiers along, and a reopening
    those that came while nobody told a closed subject of them."""
    batch = SubjectBatch.of(work)
    subject = batch.subjects[command.subject_id]
    entry = entry_of(command, tolerance)
    entries = [entry]
    if command.kind is EntryKind.OPENED:
        subject.number, subject.external_number = command.numbers
    started_at = entry.occurred_at if command.kind is EntryKind.OPENED else subject.opened_at
    customer_id = _customer_whose_tiers_count(command, subject)
    if customer_id is not None:
        entries = [*tier_entries(subject, batch.tiers.get(customer_id, ()), customer_id, started_at), entry]
    subject.record(entries, await catalogues.at(work, subject.needed_revision), work.now)
    await batch.done(work, subject)


def entry_of(command: RecordInput, tolerance: timedelta) -> Entry:
    """The line, at the instant that can be trusted (rule 7)."""
    occurred_at, claimed_at = command.recorded_at, None
    if command.claimed_at is not None:
        occurred_at, claimed_at = trusted_instant(command.claimed_at, command.recorded_at, tolerance)
    return Entry(
        id=new_id(),
        kind=command.kind,
        occurred_at=occurred_at,
        recorded_at=command.recorded_at,
        source=command.source,
        sequence=command.sequence,
        event_id=command.event_id,
        claimed_at=claimed_at,
        data=command.data,
    )


def _customer_whose_tiers_count(command: RecordInput, subject: Subject) -> UUID | None:
    if command.kind is EntryKind.REOPENED:
        return subject.customer_id
    if command.kind not in (EntryKind.OPENED, EntryKind.CUSTOMER_CHANGED):
        return None
    customer_id = command.data.get("customer_id")
    return None if customer_id is None else UUID(customer_id)


def tier_entry(subject_id: UUID, customer_id: UUID, tier: TierRow) -> Entry:
    """The line of a tier; the same tier event writes the same line once in each ledger."""
    return Entry(
        id=derived_id("tier", str(subject_id), tier["event_id"]),
        kind=EntryKind.TIER_CHANGED,
        occurred_at=datetime.fromisoformat(tier["effective_at"]),
        recorded_at=datetime.fromisoformat(tier["recorded_at"]),
        source="valuation",
        sequence=tier["sequence"],
        event_id=UUID(tier["event_id"]),
        data={"customer_id": str(customer_id), "tier": tier["tier"]},
    )


def tier_entries(
    subject: Subject, tiers: Iterable[TierRow], customer_id: UUID, started_at: datetime | None
) -> list[Entry]:
    """Lines of the tiers that may count for the subject and that it does not know: the one in force at its start
    and all later ones."""
    history = [tier_entry(subject.id, customer_id, tier) for tier in tiers]
    history.sort(key=lambda entry: entry.order)
    earlier = [entry for entry in history if started_at is None or entry.occurred_at <= started_at]
    return [entry for entry in history if entry not in earlier[:-1] and not subject.knows(entry)]
