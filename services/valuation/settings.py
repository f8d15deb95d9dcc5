"""What the valuation service is told from outside (prefix `VALUATION_`)."""

from decimal import Decimal
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.operations.settings import ServiceSettings


class Settings(ServiceSettings):
    """The ledger's currency, days and rates, and the bounds of imports and reviews."""

    model_config = SettingsConfigDict(env_prefix="VALUATION_")

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="The ledger's one currency.")
    timezone: str = Field(default="UTC", description="IANA zone whose days purchases belong to.")
    default_margin_rate: Decimal = Field(
        default=Decimal("0.30"),
        ge=0,
        le=1,
        description="Margin as a share of the amount where neither a margin nor a kind's rate is known; "
        "0.30 is what Fader, Hardie and Lee (2005, RFM and CLV) assume for CDNOW.",
    )
    maximum_amount_minor: int = Field(default=10**11, ge=1, le=2**53)
    clock_tolerance_seconds: int = Field(
        default=300, ge=0, description="How far ahead a sender's clock may be."
    )
    review_every_days: int = Field(
        default=7, ge=1, le=366, description="7: Mondays at 00:00; 1: every night."
    )
    review_poll_seconds: float = Field(default=5.0, gt=0)
    measurement_poll_seconds: float = Field(default=30.0, gt=0)
    demotion_cap: Decimal = Field(
        default=Decimal("0.05"),
        ge=0,
        le=1,
        description="Share of all customers whose tier a new version of the rules may question at once; "
        "the rest is held back until released.",
    )
    override_days: int = Field(default=366, ge=1, le=3660, description="The longest override of a tier.")
    buying_model: Literal["mbg-nbd", "pareto-nbd", "bg-nbd"] = Field(
        default="mbg-nbd", description="What refits ask for; the data may call for less."
    )
    discount_rate: float = Field(default=0.10, ge=0, le=1, description="A year; of the lifetime value.")
    refit_hour: int | None = Field(
        default=3, ge=0, le=23, description="Local hour of the nightly refit; none: only when asked."
    )
    refit_poll_seconds: float = Field(default=30.0, gt=0)
    fit_seconds: float = Field(default=900.0, gt=0, description="After which a fit's process is killed.")
    fit_attempts: int = Field(default=3, ge=1, le=10)
    score_batch: int = Field(
        default=10_000, ge=1, le=50_000, description="Customers a transaction of a refit."
    )
    score_poll_seconds: float = Field(default=5.0, gt=0)
    score_move_p_alive: float = Field(
        default=0.20, gt=0, le=1, description="A change of P(alive) since it was told that is told again."
    )
    score_move_share: float = Field(
        default=0.25, gt=0, description="The same of the lifetime value, as a share of what was told."
    )
    score_move_minor: int = Field(default=1000, ge=1, description="And at least so many minor units.")
    scores_told: int = Field(default=5000, ge=0, description="Scores that one refit may publish at most.")
    batch_rows: int = Field(default=1000, ge=1, le=10_000, description="Standings or cases a transaction.")
    import_batch_rows: int = Field(
        default=5000,
        ge=1,
        le=10_000,
        description="Rows of an import a transaction; its customers are locked meanwhile.",
    )
    import_inline_rows: int = Field(
        default=2000, ge=0, description="Imports up to this are done in the request."
    )
    import_limit_bytes: int = Field(default=2**30, ge=1024)
    import_poll_seconds: float = Field(default=1.0, gt=0)
    import_receiving_seconds: int = Field(default=3600, ge=60, description="Silence that ends an import.")
    insight_poll_seconds: float = Field(default=30.0, gt=0)
    merge_limit_rows: int = Field(
        default=100_000, ge=1, description="Rows of the ledger that one merge may move."
    )
    export_limit_rows: int = Field(
        default=100_000, ge=1, description="Rows of one table that one export may hold."
    )
