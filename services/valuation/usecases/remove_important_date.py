"""Take an important date off an account."""

from dataclasses import dataclass
from uuid import UUID

from services.valuation.persistence import customers, important_dates
from shared.db.work import Work


@dataclass(frozen=True)
class RemoveImportantDate:
    customer_id: UUID
    date_id: UUID


async def remove_important_date(command: RemoveImportantDate, work: Work) -> None:
    """Raises what `customers.lock` does, `ImportantDateNotFoundError`."""
    await customers.lock(work, command.customer_id)
    await important_dates.remove(work, command.customer_id, command.date_id)
