"""Intake and reading of complaints (投诉)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field
from starlette.responses import Response

from services.complaints.api.complaint_model import ComplaintOut
from services.complaints.api.desk import Desk, answer, desk
from services.complaints.api.inputs import ContactText, Label, PersonId, Words
from services.complaints.domain.complaint import Complaint
from services.complaints.domain.complaint_status import Status
from services.complaints.domain.contact import Contact
from services.complaints.domain.outcomes import Channel, Language, Severity
from services.complaints.persistence import clock_store, complaint_store
from services.complaints.persistence.complaint_queries import ComplaintFilter, find_complaints
from services.complaints.usecases import file_complaint as intake
from shared.kernel.errors import InvalidInputError
from shared.web.authentication import Principal
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Page
from shared.web.reads import Reader, reading

router = APIRouter(tags=["complaints"])


class ContactIn(ApiModel):
    """How to reach whoever complains, as they say it; kept apart from the complaint."""

    name: ContactText | None = None
    email: ContactText | None = Field(
        default=None, description="Acknowledgement and decision are mailed here; needed on channel `email`."
    )
    phone: ContactText | None = None


class ContactOut(ApiModel):
    name: str | None
    email: str | None
    phone: str | None


class FileComplaintIn(ApiModel):
    """A complaint as it is taken in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "channel": "phone",
                    "description": "The invoice of May was charged twice.",
                    "contact": {"name": "王芳", "email": "wang.fang@example.com"},
                    "language": "zh",
                    "category": "billing",
                    "severity": "serious",
                }
            ]
        }
    )

    channel: Channel
    description: Words = Field(description="What the customer says.")
    contact: ContactIn = Field(default_factory=ContactIn)
    language: Language | None = Field(default=None, description="In which the customer is written to.")
    severity: Severity | None = Field(
        default=None, description="As judged at intake, by staff only; `minor` unless given."
    )
    category: Label | None = None
    external_number: Label | None = Field(default=None, description="Its number in another system.")
    customer_id: UUID | None = Field(default=None, description="A customer's own comes from the token.")
    ticket_id: UUID | None = None
    follows_complaint_id: UUID | None = Field(
        default=None, description="An earlier complaint of the same customer about the same matter."
    )

    def to_command(self, principal: Principal, language: Language) -> intake.FileComplaint:
        if principal.is_customer:
            _refuse_what_staff_decides(self, principal)
        return intake.FileComplaint(
            channel=self.channel,
            description=self.description,
            contact=Contact.parse(name=self.contact.name, email=self.contact.email, phone=self.contact.phone),
            language=self.language or language,
            severity=self.severity or Severity.MINOR,
            category=self.category,
            external_number=self.external_number,
            customer_id=principal.customer_id if principal.is_customer else self.customer_id,
            ticket_id=self.ticket_id,
            follows_complaint_id=self.follows_complaint_id,
        )


def _refuse_what_staff_decides(body: FileComplaintIn, principal: Principal) -> None:
    if body.customer_id not in (None, principal.customer_id):
        raise InvalidInputError.of("customer_id", "own", "a customer files for themselves; leave it out")
    # Severity is a judgement, and the others are published: none is for a customer to fill in.
    for name in ("severity", "category", "external_number"):
        if getattr(body, name) is not None:
            raise InvalidInputError.of(name, "staff_only", f"{name} is set by staff; leave it out")


@router.post("/complaints", status_code=201, response_model=ComplaintOut)
async def file_complaint(
    body: FileComplaintIn,
    edge: CommandEdge = Depends(command("file_complaint")),
    at: Desk = Depends(desk),
) -> Response:
    """Take a complaint in; it is acknowledged at once, and its 24 hours run from now."""
    filing = body.to_command(edge.principal, at.language)
    return await answer(
        edge,
        at,
        lambda work: intake.file_complaint(filing, work),
        status=201,
        location=lambda complaint: f"/complaints/v1/complaints/{complaint.id}",
    )


@router.get("/complaints", response_model=Page[ComplaintOut])
async def list_complaints(
    status: Status | None = None,
    owner_id: Annotated[PersonId | None, Query()] = None,
    channel: Channel | None = None,
    severity: Severity | None = None,
    customer_id: UUID | None = None,
    external_number: Annotated[Label | None, Query()] = None,
    follows_complaint_id: UUID | None = None,
    overdue: Annotated[
        bool, Query(description="Only those with a clock past its due date that has not ended.")
    ] = False,
    at_page: Paging = Depends(paging),
    reader: Reader = Depends(reading("list_complaints")),
    at: Desk = Depends(desk),
) -> Response:
    """Complaints, newest first; a customer's own only."""
    principal, now = reader.principal, at.clock.now()
    wanted = ComplaintFilter(
        status=status,
        owner_id=owner_id,
        channel=channel,
        severity=severity,
        customer_id=principal.customer_id if principal.is_customer else customer_id,
        external_number=external_number,
        follows_complaint_id=follows_complaint_id,
        overdue_at=now if overdue else None,
    )
    after = at_page.after(datetime, UUID)
    async with reader.session() as session:
        found = await find_complaints(
            session, wanted, after=(after[0], after[1]) if after else None, limit=at_page.fetch
        )
        clocks = await clock_store.of_complaints(session, [complaint.id for complaint in found])

    def present(complaint: Complaint) -> ComplaintOut:
        return ComplaintOut.of(
            complaint,
            clocks.get(complaint.id, []),
            policy=at.policy,
            now=now,
            for_customer=principal.is_customer,
        )

    return at_page.page(found, present=present, key=lambda complaint: (complaint.received_at, complaint.id))


@router.get("/complaints/{complaint_id}", response_model=ComplaintOut)
async def get_complaint(
    complaint_id: UUID,
    reader: Reader = Depends(reading("get_complaint")),
    at: Desk = Depends(desk),
) -> Response:
    """One complaint with its clocks; a customer's own only."""
    async with reader.session() as session:
        complaint = await complaint_store.get(session, complaint_id, of_customer=reader.principal.customer_id)
        clocks = await clock_store.of_complaint(session, complaint_id)
    return reader.answer(
        ComplaintOut.of(
            complaint,
            clocks,
            policy=at.policy,
            now=at.clock.now(),
            for_customer=reader.principal.is_customer,
        )
    )


@router.get("/complaints/{complaint_id}/contact", response_model=ContactOut)
async def get_complaint_contact(
    complaint_id: UUID, reader: Reader = Depends(reading("get_complaint_contact"))
) -> Response:
    """How to reach whoever complained, as given at intake: for those who handle it."""
    async with reader.session() as session:
        await complaint_store.get(session, complaint_id)
        contact = await complaint_store.contact_of(session, complaint_id)
    return reader.answer(ContactOut.model_validate(contact))
