"""The follow-up (回访): after closure the customer is asked how it went, once for each closure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.ticketing.domain.ticket_errors import FollowUpAnswerMissingError
from shared.kernel.errors import FieldError, InvalidInputError

CSAT_RANGE = (1, 5)
NPS_RANGE = (0, 10)


@dataclass(frozen=True, kw_only=True)
class FollowUpAnswer:
    """Satisfaction (CSAT, 1–5), recommendation (NPS, 0–10), a comment; at least one of the scores."""

    csat: int | None = None
    nps: int | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
        """Raises `FollowUpAnswerMissingError` without a score, `InvalidInputError` for one out of range."""
        if self.csat is None and self.nps is None:
            raise FollowUpAnswerMissingError(
                field_errors=[FieldError("csat", "required", "give a CSAT (1–5), an NPS (0–10), or both")]
            )
        for field, score, (lowest, highest) in (
            ("csat", self.csat, CSAT_RANGE),
            ("nps", self.nps, NPS_RANGE),
        ):
            if score is not None and not lowest <= score <= highest:
                raise InvalidInputError.of(field, "out_of_range", f"{field} is from {lowest} to {highest}")


@dataclass(kw_only=True)
class FollowUp:
    """One question to the customer, and the answer once there is one."""

    id: UUID
    ticket_id: UUID
    requested_at: datetime
    recorded_at: datetime | None = None
    csat: int | None = None
    nps: int | None = None
    comment: str | None = None

    def answered(self, answer: FollowUpAnswer, at: datetime) -> None:
        self.recorded_at = at
        self.csat, self.nps, self.comment = answer.csat, answer.nps, answer.comment
