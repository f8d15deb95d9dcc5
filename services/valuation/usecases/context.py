"""What the commands of this service share besides their Work."""

from dataclasses import dataclass
from decimal import Decimal

from services.valuation.domain.ledger import LedgerRules
from shared.kernel.clock import Clock


@dataclass(frozen=True)
class Valuation:
    """The ledger's rules and the bounds of background work, from the settings.

    clock             the instant that reads are made at; commands use their Work's
    batch_rows        standings of a review or a rebuild, done in one transaction
    import_batch_rows rows of an import booked in one transaction
    inline_rows       an import of at most so many rows is done within its request
    demotion_cap      share of the customers whose tier a change of rules may question at once
    override_days     how long an override of a tier may last at most
    receiving_seconds silence after which an import whose body never ended is abandoned
    merge_limit_rows  rows of the ledger that one merge may move
    export_limit_rows rows of one table that an export may hold
    """

    ledger: LedgerRules
    clock: Clock
    batch_rows: int = 500
    import_batch_rows: int = 5000
    inline_rows: int = 2000
    demotion_cap: Decimal = Decimal("0.05")
    override_days: int = 366
    receiving_seconds: int = 3600
    merge_limit_rows: int = 100_000
    export_limit_rows: int = 100_000
