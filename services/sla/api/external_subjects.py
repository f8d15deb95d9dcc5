"""External subjects: other systems start, pause, resume and fulfil clocks for things that are theirs."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, Field

from services.sla.api.catalogue_access import SlaContext, context_of
from services.sla.api.clock_models import LineOut
from services.sla.api.subjects import SubjectOut, shown_to
from services.sla.domain.external_inputs import ExternalInput, ExternalInputKind
from services.sla.domain.matching import PROMISED_BY
from services.sla.domain.metrics import Metric
from services.sla.domain.subject import Subject
from services.sla.usecases.record_external import (
    Claim,
    RecordExternalInput,
    StartExternalSubject,
)
from services.sla.usecases.record_external import record_external_input as record_usecase
from services.sla.usecases.record_external import start_external_subject as start_usecase
from shared.db.work import Work
from shared.kernel.errors import PreconditionRequiredError
from shared.kernel.ids import new_id
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel, Instant

router = APIRouter(tags=["subjects"])
Context = Annotated[SlaContext, Depends(context_of)]
Label = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Evidence = Annotated[str, Field(min_length=3, max_length=500, pattern=r"^[^\x00]*$")]

_CLAIMED = (
    "When it happened, if not now. Further back than the service's tolerance it counts only when a supervisor "
    "says so with evidence; else the time of recording counts."
)


class ClaimIn(ApiModel):
    """When something happened, and what bears it out."""

    occurred_at: Instant | None = Field(default=None, description=_CLAIMED)
    evidence: Evidence | None = Field(default=None, description="A reference to where it can be checked.")

    def claim(self) -> Claim:
        return Claim(self.occurred_at, self.evidence)


class StartExternalSubjectIn(ClaimIn):
    """Something of another system that promises are made on. It starts now unless said."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "order_change",
                    "number": "OC-1017",
                    "customer_id": "0197a3c1-0000-7000-8000-000000000002",
                    "offering": "fibre-500",
                    "priority": "high",
                }
            ]
        }
    )

    id: UUID | None = Field(default=None, description="Chosen by the caller, or made here.")
    number: Label | None = Field(default=None, description="What people call it.")
    external_number: Label | None = None
    kind: Label
    customer_id: UUID | None = None
    contract: Label | None = None
    entitlement: Label | None = None
    offering: Label | None = None
    priority: Label | None = None
    category: Label | None = None
    queue: Label | None = None
    channel: Label | None = None

    def starting(self) -> StartExternalSubject:
        names = {"kind", "customer_id", "priority", "category", "queue", "channel", *PROMISED_BY}
        return StartExternalSubject(
            subject_id=self.id or new_id(),
            number=self.number,
            external_number=self.external_number,
            facts=self.model_dump(mode="json", include=names, exclude_none=True),
            claim=self.claim(),
        )


class ExternalInputIn(ClaimIn):
    """What happened. `paused` needs `waiting_on`, `prioritised` a `priority`, `fulfilled` a `metric`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"kind": "paused", "waiting_on": "customer", "reason": "documents_missing"},
                {"kind": "fulfilled", "metric": "resolution"},
            ]
        }
    )

    kind: ExternalInputKind
    waiting_on: Label | None = Field(default=None, examples=["customer", "third_party"])
    reason: Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,100}$")] | None = Field(
        default=None, description="A code, kept in the ledger."
    )
    priority: Label | None = None
    category: Label | None = None
    subject_type: Label | None = Field(default=None, description="The subject's kind, reclassified.")
    queue: Label | None = None
    metric: Metric | None = None

    def said(self) -> ExternalInput:
        return ExternalInput(**self.model_dump(exclude={"occurred_at", "evidence"}))


class ExternalInputOut(SubjectOut):
    """The subject after the input, and the ledger line with what it did to each clock."""

    line: LineOut


@router.post("/external-subjects", status_code=201, response_model=ExternalInputOut)
async def start_external_subject(
    body: StartExternalSubjectIn,
    context: Context,
    edge: Annotated[CommandEdge, Depends(command("start_external_subject"))],
) -> Response:
    """Start the clocks of a subject that is neither a ticket nor a complaint."""
    starting = body.starting()

    async def run(work: Work) -> ExternalInputOut:
        subject = await start_usecase(
            starting, work, catalogues=context.catalogues, tolerance=context.backdating_tolerance
        )
        return await _answer(subject, work, context, edge)

    return await edge.run(
        run,
        present=lambda shown: shown,
        status=201,
        location=lambda shown: f"/sla/v1/subjects/external/{shown.id}",
    )


@router.post("/external-subjects/{subject_id}/inputs", status_code=201, response_model=ExternalInputOut)
async def record_external_input(
    subject_id: UUID,
    body: ExternalInputIn,
    context: Context,
    edge: Annotated[CommandEdge, Depends(command("record_external_input", if_match="optional"))],
) -> Response:
    """Say what happened to an external subject; its clocks follow. With If-Match only if it is as you saw it."""
    try:
        expected: int | None = edge.expected_version
    except PreconditionRequiredError:
        expected = None
    recording = RecordExternalInput(subject_id, body.said(), body.claim(), expected)

    async def run(work: Work) -> ExternalInputOut:
        subject = await record_usecase(
            recording, work, catalogues=context.catalogues, tolerance=context.backdating_tolerance
        )
        return await _answer(subject, work, context, edge)

    return await edge.run(run, present=lambda shown: shown, status=201)


async def _answer(subject: Subject, work: Work, context: SlaContext, edge: CommandEdge) -> ExternalInputOut:
    catalogue = await context.catalogues.at(work, subject.needed_revision)
    latest = subject.entries[-1].id
    line: Any = next(line for line in subject.folded(catalogue).lines if line.entry.id == latest)
    shown = shown_to(subject, catalogue, context, edge.principal)
    return ExternalInputOut(**dict(shown), line=LineOut.of(line))
