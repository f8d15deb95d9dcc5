"""Change the register's entry of a customer."""

from dataclasses import dataclass
from uuid import UUID

from services.valuation.domain.customers import Contact, Customer, CustomerKind
from services.valuation.persistence import customers
from shared.db.work import Work
from shared.kernel.errors import PreconditionFailedError


@dataclass(frozen=True)
class ChangeCustomer:
    """Kind, name and contacts as they shall be; None leaves a field as it is."""

    customer_id: UUID
    expected_version: int
    kind: CustomerKind | None = None
    display_name: str | None = None
    contacts: tuple[Contact, ...] | None = None
    clears_display_name: bool = False


async def change_customer(command: ChangeCustomer, work: Work) -> Customer:
    """Raises `CustomerNotFoundError`, `CustomerMergedError`, `CustomerErasedError`, `PreconditionFailedError`."""
    customer = await customers.lock(work, command.customer_id)
    if customer.version != command.expected_version:
        raise PreconditionFailedError
    name = None if command.clears_display_name else (command.display_name or customer.display_name)
    changed = customer.changed(
        work.now,
        kind=command.kind or customer.kind,
        display_name=name,
        contacts=customer.contacts if command.contacts is None else command.contacts,
    )
    await customers.save(work, changed)
    return changed
