"""Another system starts a subject of its own here, or says what happened to one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.sla.domain.errors import (
    InputBeforeStartError,
    SubjectChangedError,
    SubjectKnownAlreadyError,
    SubjectNotFoundError,
)
from services.sla.domain.external_inputs import ExternalInput, data_of, line_of
from services.sla.domain.ledger import EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.subject import Subject
from services.sla.persistence import customer_store, subject_store
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases.record_input import RecordInput, record_input
from services.sla.usecases.subject_batch import SubjectBatch
from shared.db.work import Work
from shared.kernel.errors import FieldError
from shared.kernel.ids import new_id

SOURCE = "external"
_SUPERVISORS = frozenset({"supervisor", "admin"})


@dataclass(frozen=True, slots=True)
class Claim:
    """When it is said to have happened (rule 7). Further back than the tolerance it counts only when a
    supervisor says so and names `evidence`, a reference to where it can be checked."""

    occurred_at: datetime | None = None
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class StartExternalSubject:
    """`facts`: customer_id, contract, entitlement, kind, offering, priority, category, queue, channel as far as they
    are known."""

    subject_id: UUID
    number: str | None = None
    external_number: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    claim: Claim = Claim()


@dataclass(frozen=True, slots=True)
class RecordExternalInput:
    """`expected_version` is the version the caller saw, where he minds."""

    subject_id: UUID
    said: ExternalInput
    claim: Claim = Claim()
    expected_version: int | None = None


async def start_external_subject(
    command: StartExternalSubject, work: Work, *, catalogues: Catalogues, tolerance: timedelta
) -> Subject:
    """The subject with its clocks. Raises `SubjectKnownAlreadyError`."""
    customer_id = command.facts.get("customer_id")
    customers = [] if customer_id is None else [UUID(str(customer_id))]
    tiers = await customer_store.share(work, customers)
    batch = await SubjectBatch.load(work, 1, {command.subject_id: SubjectKind.EXTERNAL}, tiers)
    subject = batch.subjects[command.subject_id]
    if subject.entries or subject.kind is not SubjectKind.EXTERNAL:
        raise SubjectKnownAlreadyError
    line = RecordInput(
        subject_id=subject.id,
        kind=EntryKind.OPENED,
        source=SOURCE,
        sequence=1,
        event_id=new_id(),
        recorded_at=work.now,
        claimed_at=command.claim.occurred_at,
        data={**command.facts, **_vouched(command.claim, work)},
        numbers=(command.number, command.external_number),
    )
    believed = _believed(command.claim, work, tolerance)
    await record_input(line, work, catalogues=catalogues, tolerance=believed)
    return subject


async def record_external_input(
    command: RecordExternalInput, work: Work, *, catalogues: Catalogues, tolerance: timedelta
) -> Subject:
    """The subject after it. Raises `SubjectNotFoundError`, `SubjectChangedError`, `InvalidExternalInputError`,
    and `InputBeforeStartError` for an instant before the subject's start."""
    customers = await customer_store.of_subjects(work, [command.subject_id])
    tiers = await customer_store.share(work, customers)
    subject = await subject_store.lock(work, command.subject_id, SubjectKind.EXTERNAL)
    if command.expected_version not in (None, subject.version):
        raise SubjectChangedError
    catalogue = await catalogues.at(work, subject.needed_revision)
    started = subject.folded(catalogue).started()
    kind = line_of(command.said, [(clock.key.metric, clock.choice) for clock in started])
    believed = _believed(command.claim, work, tolerance)
    _check_order(subject, command.claim)
    SubjectBatch.holding(work, subject, tiers)
    line = RecordInput(
        subject_id=subject.id,
        kind=kind,
        source=SOURCE,
        sequence=1 + sum(entry.source == SOURCE for entry in subject.entries),
        event_id=new_id(),
        recorded_at=work.now,
        claimed_at=command.claim.occurred_at,
        data={**data_of(command.said), **_vouched(command.claim, work)},
    )
    await record_input(line, work, catalogues=catalogues, tolerance=believed)
    return subject


def _check_order(subject: Subject, claim: Claim) -> None:
    """Whether or not the claim would be believed: nobody means an instant before the start."""
    if subject.opened_at is None:
        raise SubjectNotFoundError
    if claim.occurred_at is not None and claim.occurred_at < subject.opened_at:
        message = f"The subject started at {subject.opened_at.isoformat()}; nothing happened to it before."
        fault = FieldError("occurred_at", "after_start", message)
        raise InputBeforeStartError(message, field_errors=[fault])


def _believed(claim: Claim, work: Work, tolerance: timedelta) -> timedelta:
    """How far back the claim is believed: as far as it goes, with a supervisor and evidence."""
    if claim.occurred_at is None or claim.evidence is None or work.actor.role not in _SUPERVISORS:
        return tolerance
    return max(tolerance, work.now - claim.occurred_at)


def _vouched(claim: Claim, work: Work) -> dict[str, str]:
    return {} if claim.evidence is None else {"evidence": claim.evidence, "by": str(work.actor)}
