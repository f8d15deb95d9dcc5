"""Important dates (重要日期), by the Gregorian or the Chinese calendar (农历)."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.valuation.api.visibility import require_own
from services.valuation.domain.profile.important_dates import (
    FIRST_YEAR,
    LAST_YEAR,
    Calendar,
    DateKind,
    ImportantDate,
    LeapRule,
    YearlyDate,
)
from services.valuation.persistence import customers, important_dates
from services.valuation.usecases import add_important_date as adding
from services.valuation.usecases import remove_important_date as removing
from services.valuation.usecases.add_important_date import AddImportantDate
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.remove_important_date import RemoveImportantDate
from shared.web.commands import CommandEdge, command
from shared.web.models import ApiModel
from shared.web.reads import Reader, reading

Label = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class AddImportantDateIn(ApiModel):
    """A date that comes back every year; `422 impossible_date` when no calendar has it."""

    kind: DateKind
    label: Label | None = None
    person_id: UUID | None = Field(default=None, description="Whose it is, if not the account's.")
    calendar: Calendar = "gregorian"
    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]
    year: Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)] | None = Field(
        default=None, description="The year in which it began (of the lunar calendar for a lunar date)."
    )
    is_leap_month: bool = Field(default=False, description="A date in a leap month (闰月).")
    leap_rule: LeapRule = Field(
        default="leap_month",
        description="In years with that leap month: kept in it, or in the ordinary month before it. In years "
        "without it, always in the ordinary month.",
    )


class ImportantDateOut(AddImportantDateIn):
    """A date with its next occurrence. 30th of a short lunar month: the 29th; 29 February: the 28th."""

    id: UUID
    customer_id: UUID
    next_on: date
    words: str = Field(examples=["day 15 of lunar month 8"])
    words_zh: str = Field(examples=["农历八月十五"])

    @classmethod
    def of(cls, one: ImportantDate, today: date) -> "ImportantDateOut":
        english, chinese = one.when.words()
        return cls(
            id=one.id,
            customer_id=one.customer_id,
            kind=one.kind,
            label=one.label,
            person_id=one.person_id,
            calendar=one.when.calendar,
            month=one.when.month,
            day=one.when.day,
            year=one.when.year,
            is_leap_month=one.when.is_leap_month,
            leap_rule=one.when.leap_rule,
            next_on=one.when.next_from(today),
            words=english,
            words_zh=chinese,
        )


class ImportantDatesOut(ApiModel):
    """All dates of the account, at most 100."""

    items: list[ImportantDateOut]


def important_date_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["important dates"])

    def today() -> date:
        return valuation.ledger.calendar.day_of(valuation.clock.now())

    @router.get("/customers/{customer_id}/important-dates", response_model=ImportantDatesOut)
    async def list_important_dates(
        customer_id: UUID, reader: Annotated[Reader, Depends(reading("list_important_dates"))]
    ) -> Response:
        """The account's dates, the next one first."""
        require_own(reader.principal, customer_id)
        async with reader.session() as session:
            await customers.require(session, customer_id)
            found = await important_dates.of_customer(session, customer_id)
        shown = [ImportantDateOut.of(one, today()) for one in found]
        return reader.answer(ImportantDatesOut(items=sorted(shown, key=lambda one: one.next_on)))

    @router.post("/customers/{customer_id}/important-dates", status_code=201, response_model=ImportantDateOut)
    async def add_important_date(
        customer_id: UUID,
        body: AddImportantDateIn,
        edge: Annotated[CommandEdge, Depends(command("add_important_date"))],
    ) -> Response:
        """Add a date of the account or of one of its people."""
        require_own(edge.principal, customer_id)
        when = YearlyDate(body.calendar, body.month, body.day, body.year, body.is_leap_month, body.leap_rule)
        wanted = AddImportantDate(customer_id, body.person_id, body.kind, body.label, when)
        return await edge.run(
            lambda work: adding.add_important_date(wanted, work, valuation),
            present=lambda one: ImportantDateOut.of(one, today()),
            status=201,
        )

    @router.delete("/customers/{customer_id}/important-dates/{date_id}", status_code=204)
    async def remove_important_date(
        customer_id: UUID,
        date_id: UUID,
        edge: Annotated[CommandEdge, Depends(command("remove_important_date"))],
    ) -> Response:
        """Take a date off the account. Dates do not change: remove one and add another."""
        require_own(edge.principal, customer_id)
        wanted = RemoveImportantDate(customer_id, date_id)
        return await edge.run(lambda work: removing.remove_important_date(wanted, work))

    return router
