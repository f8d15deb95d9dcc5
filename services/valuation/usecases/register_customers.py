"""Register customers: one by hand, or the unknown ones of an import all at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.valuation.domain.customers import Contact, Customer, CustomerKind
from services.valuation.domain.errors import CustomerExternalIdTakenError
from services.valuation.domain.standing import Standing
from services.valuation.domain.tiers import TierRules
from services.valuation.persistence import customers, insight_watches, standings, tier_rules
from services.valuation.usecases.context import Valuation
from shared.db.work import Work
from shared.kernel.errors import FieldError
from shared.kernel.ids import new_id


@dataclass(frozen=True)
class RegisterCustomer:
    """A customer account becomes known."""

    external_id: str | None
    kind: CustomerKind
    display_name: str | None = None
    contacts: tuple[Contact, ...] = ()


async def register_customer(command: RegisterCustomer, work: Work, valuation: Valuation) -> Customer:
    """Raises `CustomerExternalIdTakenError`."""
    rules = await tier_rules.in_force(work, work.now)
    added = await register_all([command], work, valuation, rules)
    if not added:
        raise CustomerExternalIdTakenError(
            f"another customer has the external id {command.external_id}",
            field_errors=[FieldError("external_id", "unique", "Give an external id that is not taken")],
        )
    return added[0][0]


async def register_all(
    commands: Sequence[RegisterCustomer], work: Work, valuation: Valuation, rules: TierRules
) -> list[tuple[Customer, Standing]]:
    """Those that were registered; an external id that somebody else took in the meantime is left out."""
    numbers = await customers.next_numbers(work, len(commands))
    entries = [
        Customer(
            id=new_id(),
            number=number,
            external_id=command.external_id,
            kind=command.kind,
            display_name=command.display_name,
            contacts=command.contacts,
            registered_at=work.now,
            changed_at=work.now,
        )
        for command, number in zip(commands, numbers, strict=True)
    ]
    added: set[UUID] = await customers.add_many(work, entries)
    opened = [
        (entry, Standing.open(entry.id, entry.external_id, at=work.now, tiers=rules, ledger=valuation.ledger))
        for entry in entries
        if entry.id in added
    ]
    await standings.add_many(work, [standing for _, standing in opened])
    tomorrow = valuation.ledger.calendar.day_of(work.now) + timedelta(days=1)
    await insight_watches.add_many(work, [entry.id for entry, _ in opened], tomorrow)
    return opened
