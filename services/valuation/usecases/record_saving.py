"""Record a cost that a customer saved."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.valuation.domain.values.errors import SavingDiffersError
from services.valuation.domain.values.savings import Saving, SavingKind, check_saving
from services.valuation.persistence import customers, savings
from services.valuation.usecases.context import Valuation
from shared.db.work import Work
from shared.kernel.ids import new_id


@dataclass(frozen=True)
class RecordSaving:
    """`amount_minor` in minor units of the ledger's currency."""

    external_id: str
    customer_id: UUID
    kind: SavingKind
    amount_minor: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class RecordedSaving:
    """The saving, and whether it was written just now."""

    saving: Saving
    is_new: bool


async def record_saving(command: RecordSaving, work: Work, valuation: Valuation) -> RecordedSaving:
    """Raises `CustomerNotFoundError`, `SavingOutOfRangeError`, `SavingDiffersError`; sent again it changes nothing."""
    await customers.require(work, command.customer_id)
    saving = Saving(
        id=new_id(),
        external_id=command.external_id,
        customer_id=command.customer_id,
        kind=command.kind,
        amount_minor=command.amount_minor,
        occurred_at=command.occurred_at,
        recorded_at=work.now,
    )
    check_saving(saving, work.now, valuation.ledger)
    if await savings.add(work, saving):
        return RecordedSaving(saving, is_new=True)
    present = await savings.find_by_external_id(work, command.external_id)
    if present is None or not present.is_same_as(saving):
        raise SavingDiffersError(f"the external id {command.external_id} is taken by another saving")
    return RecordedSaving(present, is_new=False)
