"""The cuts that segments are made by: absolute and versioned, as the thresholds of tiers are."""

from dataclasses import dataclass

from services.valuation.domain.segments.errors import SegmentCutsOutOfOrderError
from shared.kernel.errors import FieldError, InvalidInputError

Cuts = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SegmentRules:
    """One version. Amounts in minor units of the ledger's currency.

    recent_days        a customer is recent when it bought within so many days
    frequent_days      and frequent when it bought on at least so many days
    large_spend_minor  and large when it spent at least so much
    current_minor      cuts of the matrix for the margin realised: low below the first, high from the second on
    potential_minor    the same for the expected lifetime value
    """

    version: int
    recent_days: int
    frequent_days: int
    large_spend_minor: int
    current_minor: Cuts
    potential_minor: Cuts

    def __post_init__(self) -> None:
        """Raises `SegmentCutsOutOfOrderError`, or `InvalidInputError` naming the field."""
        for field in ("recent_days", "frequent_days", "large_spend_minor"):
            if getattr(self, field) < 1:
                raise InvalidInputError.of(field, "range", "A cut of RFM groups is at least 1")
        for field in ("current_minor", "potential_minor"):
            low, high = getattr(self, field)
            if not 0 < low < high:
                raise SegmentCutsOutOfOrderError(
                    f"{field}: {low} and {high}",
                    field_errors=[
                        FieldError(field, "ascending", "Give two amounts above 0, the lower first")
                    ],
                )
