"""Cost saved (节约成本), the second part of realised value: work that a customer took off our hands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.valuation.domain.ledger import EPOCH, LedgerRules
from services.valuation.domain.values.errors import SavingOutOfRangeError
from shared.kernel.errors import FieldError

# Solved a case without us; answered other customers; reported a fault early; took part in a trial; planned ahead.
SavingKind = Literal["self_service", "peer_support", "fault_report", "trial", "planning"]


@dataclass(frozen=True, slots=True)
class Saving:
    """A cost that was not incurred thanks to a customer, in minor units of the ledger's currency."""

    id: UUID
    external_id: str
    customer_id: UUID
    kind: SavingKind
    amount_minor: int
    occurred_at: datetime
    recorded_at: datetime

    def is_same_as(self, other: "Saving") -> bool:
        """The same content under the same external id: sent again, not another saving."""
        return (self.customer_id, self.kind, self.amount_minor, self.occurred_at) == (
            other.customer_id,
            other.kind,
            other.amount_minor,
            other.occurred_at,
        )


def check_saving(saving: Saving, now: datetime, ledger: LedgerRules) -> None:
    """Raises `SavingOutOfRangeError`."""
    if not 0 < saving.amount_minor <= ledger.maximum_amount_minor:
        raise SavingOutOfRangeError(
            f"{saving.amount_minor} is not between 1 and {ledger.maximum_amount_minor} minor units",
            field_errors=[FieldError("amount_minor", "range", "Give a positive amount")],
        )
    if not EPOCH <= saving.occurred_at <= now + timedelta(seconds=ledger.clock_tolerance_seconds):
        raise SavingOutOfRangeError(
            f"{saving.occurred_at.isoformat()} is before {EPOCH.date()} or after now ({now.isoformat()})",
            field_errors=[FieldError("occurred_at", "range", "Give an instant that has happened since 1970")],
        )
