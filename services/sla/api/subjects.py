"""Subjects: how the promises on one ticket, complaint or external subject stand, its ledger, and corrections."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, Field

from services.sla.api.catalogue_access import SlaContext, context_of
from services.sla.api.clock_models import LineOut, TargetOut
from services.sla.domain.catalogue import Catalogue
from services.sla.domain.clock import clock_id_of
from services.sla.domain.clock_status import ClockState
from services.sla.domain.errors import SubjectNotFoundError
from services.sla.domain.metrics import Agreement, Metric, SubjectKind
from services.sla.domain.subject import Subject
from services.sla.domain.subject_view import MetricView, view
from services.sla.persistence import subject_store
from services.sla.persistence.clock_reads import PROMISED_TO_CUSTOMERS
from services.sla.usecases.correct_entry import CorrectEntry, correct_entry
from shared.db.work import Work
from shared.web.authentication import Principal
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel, Instant
from shared.web.reads import Reader, reading

router = APIRouter(tags=["subjects"])
Context = Annotated[SlaContext, Depends(context_of)]


class MetricOut(ApiModel):
    """One promise as it stands. `elapsed` and `remaining` in the target's unit; below zero it is overdue."""

    clock_id: UUID
    cycle: int
    agreement: Agreement
    metric: Metric
    target: TargetOut | None
    policy_version_id: UUID | None
    state: ClockState
    started_at: datetime
    due_at: datetime | None
    elapsed: float
    remaining: float
    percent: float = Field(description="How much of what is due has passed.")
    breached_at: datetime | None
    fulfilled_at: datetime | None
    within_hours: bool | None = Field(description="Whether the calendar is open now.")

    @classmethod
    def of(cls, subject_id: UUID, shown: MetricView) -> "MetricOut":
        clock = shown.clock
        choice = clock.choice
        target = None if choice is None else choice.target.duration
        assert clock.started_at is not None
        return cls(
            clock_id=clock_id_of(subject_id, clock.key),
            cycle=clock.cycle,
            agreement=clock.key.agreement,
            metric=clock.key.metric,
            target=None if target is None else TargetOut(amount=target.amount, unit=target.unit),
            policy_version_id=None if choice is None else choice.version.id,
            state=shown.state,
            started_at=clock.started_at,
            due_at=shown.due_at,
            elapsed=shown.elapsed,
            remaining=shown.remaining,
            percent=shown.percent,
            breached_at=shown.breached_at,
            fulfilled_at=clock.fulfilled_at,
            within_hours=shown.within_hours,
        )


class SubjectOut(ApiModel):
    """A subject with every promise on it. `version` changes with each input."""

    id: UUID
    kind: SubjectKind
    number: str | None
    external_number: str | None
    customer_id: UUID | None
    tier: str | None = Field(description="The tier (客户等级) that counts: the one at the start.")
    opened_at: datetime | None
    is_open: bool
    version: int
    metrics: list[MetricOut]


class LedgerOut(ApiModel):
    """Every line in the order in which the fold reads it."""

    lines: list[LineOut]


class CorrectionIn(ApiModel):
    """When a line truly happened, and where that can be checked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "entry_id": "0197a3c1-0000-7000-8000-000000000001",
                    "occurred_at": "2026-03-02T10:15:00+08:00",
                    "evidence": "call recording 20260302-1015",
                }
            ]
        }
    )

    entry_id: UUID
    occurred_at: Instant
    evidence: Annotated[str, Field(min_length=3, max_length=500, pattern=r"^[^\x00]*$")]


@router.get("/subjects/{subject_kind}/{subject_id}", response_model=SubjectOut)
async def get_subject(
    subject_kind: SubjectKind,
    subject_id: UUID,
    context: Context,
    reader: Annotated[Reader, Depends(reading("get_subject"))],
) -> Response:
    """How the promises on a subject stand now."""
    subject, catalogue = await _read(subject_kind, subject_id, context, reader)
    return reader.answer(shown_to(subject, catalogue, context, reader.principal))


@router.get("/subjects/{subject_kind}/{subject_id}/ledger", response_model=LedgerOut)
async def list_ledger(
    subject_kind: SubjectKind,
    subject_id: UUID,
    context: Context,
    reader: Annotated[Reader, Depends(reading("list_ledger"))],
) -> Response:
    """Everything that was heard of a subject, with what it did to its clocks."""
    subject, catalogue = await _read(subject_kind, subject_id, context, reader)
    lines = subject.folded(catalogue).lines
    return reader.answer(LedgerOut(lines=[LineOut.of(line) for line in lines]))


@router.post("/subjects/{subject_kind}/{subject_id}/corrections", status_code=201, response_model=SubjectOut)
async def correct_ledger(
    subject_kind: SubjectKind,
    subject_id: UUID,
    body: CorrectionIn,
    context: Context,
    edge: Annotated[CommandEdge, Depends(command("correct_ledger"))],
) -> Response:
    """Say, with evidence, when something truly happened. The clocks are folded anew; the line itself stays."""
    correcting = CorrectEntry(subject_id, subject_kind, body.entry_id, body.occurred_at, body.evidence)

    async def run(work: Work) -> SubjectOut:
        subject = await correct_entry(correcting, work, catalogues=context.catalogues)
        catalogue = await context.catalogues.at(work, subject.needed_revision)
        return shown_to(subject, catalogue, context, edge.principal)

    return await edge.run(run, present=lambda shown: shown, status=201)


async def _read(
    kind: SubjectKind, subject_id: UUID, context: SlaContext, reader: Reader
) -> tuple[Subject, Catalogue]:
    async with reader.session() as session:
        subject = await subject_store.get(session, subject_id, kind)
        owner = reader.principal.customer_id
        if owner is not None and subject.customer_id != owner:
            raise SubjectNotFoundError
        return subject, await context.catalogues.at(session, subject.needed_revision)


def shown_to(subject: Subject, catalogue: Catalogue, context: SlaContext, principal: Principal) -> SubjectOut:
    """The promises on a subject as this principal may see them."""
    now = context.clock.now()
    folded = subject.folded(catalogue)
    clocks: list[Any] = [
        clock
        for clock in folded.started()
        if not principal.is_customer or clock.key.agreement in PROMISED_TO_CUSTOMERS
    ]
    return SubjectOut(
        id=subject.id,
        kind=subject.kind,
        number=subject.number,
        external_number=subject.external_number,
        customer_id=subject.customer_id,
        tier=folded.tier,
        opened_at=subject.opened_at,
        is_open=subject.is_open,
        version=subject.version,
        metrics=[MetricOut.of(subject.id, view(clock, now)) for clock in clocks],
    )
