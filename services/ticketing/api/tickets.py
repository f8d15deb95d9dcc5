"""Tickets (工单): open, read, list, search, delete."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import ConfigDict, Field

from services.ticketing.api.inputs import Code, Description, Label, StaffId, Subject
from services.ticketing.api.ticket_model import TicketOut, TicketStatusName, shown_to
from services.ticketing.domain.ticket import Request
from services.ticketing.domain.ticket_errors import TicketNotFoundError
from services.ticketing.domain.vocabulary import Channel, Priority
from services.ticketing.persistence import ticket_reads
from services.ticketing.persistence.ticket_reads import TicketFilter, TicketView
from services.ticketing.usecases.delete_ticket import DeleteTicket
from services.ticketing.usecases.delete_ticket import delete_ticket as delete_ticket_usecase
from services.ticketing.usecases.open_ticket import OpenedTicket, OpenTicket
from services.ticketing.usecases.open_ticket import open_ticket as open_ticket_usecase
from shared.kernel.errors import FieldError, InvalidInputError
from shared.web.authentication import Principal
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Page
from shared.web.reads import Reader, reading

router = APIRouter(tags=["tickets"])

# A customer says what they need; how urgent that is and who handles it is the desk's to decide.
RESERVED_FOR_STAFF = ("priority", "queue", "external_number")
# What customers do not see of their tickets, they cannot find out by asking for it either.
FILTERS_FOR_STAFF = ("queue", "assignee_id", "overdue")


class FieldReservedForStaffError(InvalidInputError):
    """A customer may not set this field."""


class CustomerMissingError(InvalidInputError):
    """Say for which customer the ticket is opened."""


class OtherCustomerError(InvalidInputError):
    """A customer opens tickets for their own account only."""


class OpenTicketIn(ApiModel):
    """A request as it came in. Customers leave `customer_id` out: it is in their token."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "customer_id": "0197a3c1-0000-7000-8000-000000000001",
                    "channel": "phone",
                    "subject": "VPN 登录失败",
                    "description": "Since this morning nobody in the branch office can sign in.",
                    "kind": "incident",
                    "priority": "high",
                    "category": "login",
                    "external_number": "INC0000045",
                }
            ]
        }
    )

    channel: Channel
    subject: Subject
    description: Description = ""
    customer_id: UUID | None = None
    kind: Code = Field(default="request", description="e.g. request, incident, question, suggestion (建议)")
    priority: Priority = "moderate"
    category: Label | None = None
    queue: Label | None = None
    offering: Label | None = Field(
        default=None, description="The value-added service (增值服务项目) it is about."
    )
    contract: Label | None = Field(
        default=None, description="The customer's contract under which it is asked."
    )
    entitlement: Label | None = Field(default=None, description="The right (权益) by which it is asked.")
    external_number: Label | None = Field(default=None, description="Its number in the system it came from.")

    def request_of(self, principal: Principal) -> Request:
        """What is opened, for whom. Raises the three errors of this module."""
        given = self.__dict__
        if not principal.is_customer:
            if self.customer_id is None:
                raise CustomerMissingError(
                    field_errors=[FieldError("customer_id", "required", CustomerMissingError.title)]
                )
            return Request(**given)
        _refuse_reserved(self, RESERVED_FOR_STAFF)
        if self.customer_id not in (None, principal.customer_id):
            raise OtherCustomerError(
                field_errors=[FieldError("customer_id", "own_account", OtherCustomerError.title)]
            )
        return Request(**{**given, "customer_id": principal.customer_id})


def _refuse_reserved(given: ApiModel, names: Sequence[str]) -> None:
    """Raises `FieldReservedForStaffError` for those that a customer has set."""
    reserved = [name for name in names if name in given.model_fields_set]
    if reserved:
        raise FieldReservedForStaffError(
            field_errors=[
                FieldError(name, "reserved_for_staff", FieldReservedForStaffError.title) for name in reserved
            ]
        )


@router.post("/tickets", status_code=201, response_model=TicketOut)
async def open_ticket(body: OpenTicketIn, edge: CommandEdge = Depends(command("open_ticket"))) -> Response:
    """Take a request in (受理). Its SLA clocks appear on it moments later."""
    opening = OpenTicket(request=body.request_of(edge.principal))
    for_customer = edge.principal.is_customer

    def present(opened: OpenedTicket) -> TicketOut:
        return TicketOut.of(TicketView(opened.ticket, opened.customer_tier), for_customer=for_customer)

    return await edge.run(
        lambda work: open_ticket_usecase(opening, work),
        present=present,
        status=201,
        location=lambda opened: f"/ticketing/v1/tickets/{opened.ticket.id}",
    )


@router.get("/tickets/{ticket_id}", response_model=TicketOut)
async def get_ticket(ticket_id: UUID, reader: Reader = Depends(reading("get_ticket"))) -> Response:
    """One ticket with its customer's tier (客户等级), SLA clocks and last follow-up."""
    async with reader.session() as session:
        view = await ticket_reads.get(session, ticket_id, owner_id=reader.principal.customer_id)
    if view is None:
        raise TicketNotFoundError
    return reader.answer(shown_to(reader.principal)(view))


class TicketFilters(ApiModel):
    """Filters of the list; each narrows it."""

    status: list[TicketStatusName] = Field(default=[], max_length=8, description="One or more of these.")
    queue: Label | None = None
    assignee_id: StaffId | None = None
    customer_id: UUID | None = None
    priority: Priority | None = None
    overdue: bool | None = Field(default=None, description="Whether an SLA clock is past its due date.")
    external_number: Label | None = None
    q: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            pattern=r"^[^\x00]*$",
            description="All of these words, Chinese or English, in subject, description, messages and notes; "
            "or a ticket's number.",
        ),
    ] = None
    order: Literal["newest", "oldest"] = Field(default="newest", description="By intake.")
    limit: int | None = Field(default=None, exclude=True)
    cursor: str | None = Field(default=None, exclude=True)


@router.get("/tickets", response_model=Page[TicketOut])
async def list_tickets(
    filters: Annotated[TicketFilters, Query()],
    paging: Paging = Depends(paging),
    reader: Reader = Depends(reading("list_tickets")),
) -> Response:
    """Tickets in the order of their intake. Customers see their own, and search what they can read."""
    if reader.principal.is_customer:
        _refuse_reserved(filters, FILTERS_FOR_STAFF)
    wanted = TicketFilter(
        statuses=tuple(filters.status),
        queue=filters.queue,
        assignee_id=filters.assignee_id,
        customer_id=filters.customer_id,
        priority=filters.priority,
        overdue=filters.overdue,
        external_number=filters.external_number,
        words=filters.q,
        owner_id=reader.principal.customer_id,
        oldest_first=filters.order == "oldest",
    )
    after = paging.after(UUID)
    async with reader.session() as session:
        views = await ticket_reads.find(
            session, wanted, after=None if after is None else after[0], limit=paging.fetch
        )
    return paging.page(views, present=shown_to(reader.principal), key=lambda view: (view.ticket.id,))


@router.delete("/tickets/{ticket_id}", status_code=204)
async def delete_ticket(ticket_id: UUID, edge: CommandEdge = Depends(command("delete_ticket"))) -> Response:
    """Remove a ticket (spam, or by law): its words are blanked, and it is not found any more."""
    deleting = DeleteTicket(ticket_id=ticket_id, expected_version=edge.expected_version)
    return await edge.run(lambda work: delete_ticket_usecase(deleting, work))
