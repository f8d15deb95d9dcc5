"""What the commands of this service share besides their Work."""

from dataclasses import dataclass, field
from decimal import Decimal

from services.valuation.domain.ledger import LedgerRules
from services.valuation.domain.models.catalogue import DEFAULT_MODEL
from services.valuation.domain.serving.moves import MoveRules
from services.valuation.domain.serving.scoring import ScoreRules
from shared.kernel.clock import Clock


@dataclass(frozen=True)
class Serving:
    """How value models are fitted and customers scored.

    buying_model     the model that refits ask for
    refit_hour       local hour of the nightly refit; None: only when asked
    most_attempts    processes that may die over one fit before the job fails
    most_told        scores that one refit job may publish
    batch_customers  customers scored in one transaction of a refit job
    """

    scores: ScoreRules = field(default_factory=ScoreRules)
    moves: MoveRules = field(default_factory=MoveRules)
    buying_model: str = DEFAULT_MODEL.NAME
    refit_hour: int | None = 3
    most_attempts: int = 3
    most_told: int = 5000
    batch_customers: int = 10_000


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
    serving           fitting of the value models, and scores
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
    serving: Serving = field(default_factory=Serving)
