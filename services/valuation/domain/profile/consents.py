"""Consent (同意): for a purpose and a channel, given or withdrawn; decisions are appended, never altered."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from services.valuation.domain.profile.errors import ConsentAtOutOfRangeError, UnknownPurposeError
from shared.kernel.errors import FieldError

ConsentChannel = Literal["phone", "email", "sms", "chat", "mail"]
ConsentDecision = Literal["given", "withdrawn"]

# What consent can be given for, with the word that a Chinese form shows.
PURPOSES = {
    "marketing": "营销推广",
    "service_messages": "服务通知",
    "surveys": "回访调查",
    "profiling": "客户画像",
    "partner_sharing": "合作方共享",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Consent:
    """One decision. `at` is when it was made, `source` where (e.g. web_form), `evidence` a reference to its proof."""

    id: UUID
    customer_id: UUID
    purpose: str
    channel: ConsentChannel
    decision: ConsentDecision
    at: datetime
    source: str
    evidence: str | None
    recorded_at: datetime


def check_consent(purpose: str, at: datetime, now: datetime, tolerance_seconds: int) -> None:
    """Raises `UnknownPurposeError`, `ConsentAtOutOfRangeError`."""
    if purpose not in PURPOSES:
        known = ", ".join(PURPOSES)
        raise UnknownPurposeError(
            f"{purpose!r} is not one of {known}",
            field_errors=[FieldError("purpose", "known", f"One of {known}")],
        )
    if not _EPOCH <= at <= now + timedelta(seconds=tolerance_seconds):
        raise ConsentAtOutOfRangeError(
            f"{at.isoformat()} is before 1970 or after now ({now.isoformat()})",
            field_errors=[FieldError("at", "range", "Give the instant at which it was decided")],
        )


def in_force(decisions: Iterable[Consent]) -> dict[tuple[str, ConsentChannel], Consent]:
    """The decision that holds for each purpose and channel: the one made last (ties: the one recorded last).

    What nobody decided is not in the result, and is no consent.
    """
    latest: dict[tuple[str, ConsentChannel], Consent] = {}
    for one in decisions:
        before = latest.get((one.purpose, one.channel))
        if before is None or (one.at, one.id) > (before.at, before.id):
            latest[one.purpose, one.channel] = one
    return latest
