"""Add an important date to an account."""

from dataclasses import dataclass
from uuid import UUID

from services.valuation.domain.profile.errors import TooManyImportantDatesError, UnknownPersonError
from services.valuation.domain.profile.important_dates import (
    MOST_DATES,
    DateKind,
    ImportantDate,
    YearlyDate,
    first_look,
)
from services.valuation.persistence import customers, important_dates, insight_rules, people
from services.valuation.usecases.context import Valuation
from shared.db.work import Work
from shared.kernel.errors import FieldError
from shared.kernel.ids import new_id


@dataclass(frozen=True)
class AddImportantDate:
    """A date of the account, or of one of its people."""

    customer_id: UUID
    person_id: UUID | None
    kind: DateKind
    label: str | None
    when: YearlyDate


async def add_important_date(command: AddImportantDate, work: Work, valuation: Valuation) -> ImportantDate:
    """Raises what `customers.lock` does, `UnknownPersonError`, `TooManyImportantDatesError`."""
    await customers.lock(work, command.customer_id)
    if command.person_id is not None:
        known = await people.of_customer(work, command.customer_id)
        if all(person.id != command.person_id for person in known):
            raise UnknownPersonError(
                field_errors=[FieldError("person_id", "exists", "Name a person of this account")]
            )
    if len(await important_dates.of_customer(work, command.customer_id)) >= MOST_DATES:
        raise TooManyImportantDatesError
    rules = await insight_rules.in_force(work)
    today = valuation.ledger.calendar.day_of(work.now)
    added = ImportantDate(
        id=new_id(),
        customer_id=command.customer_id,
        person_id=command.person_id,
        kind=command.kind,
        label=command.label,
        when=command.when,
        look_on=first_look(command.when, today, rules.date_lead_days),
        added_at=work.now,
    )
    await important_dates.add(work, added)
    return added
