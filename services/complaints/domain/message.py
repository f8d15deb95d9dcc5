"""A message to the customer: queued with the decision that it reports, delivered at least once or given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.complaints.domain.outcomes import Channel, Language
from shared.kernel.errors import ConflictError


class MessageKind(StrEnum):
    """What it is for."""

    ACKNOWLEDGEMENT = "acknowledgement"
    RESPONSE = "response"
    DECISION = "decision"


class MessageStatus(StrEnum):
    """Where it stands."""

    QUEUED = "queued"  # waits for the mail worker
    DELIVERED = "delivered"  # accepted by the customer's mail server, captured, or handed over
    FAILED = "failed"  # given up; a person finds another way
    AWAITING_HAND_OVER = "awaiting_hand_over"  # there is no address for mail; a person brings it
    SUPERSEDED = "superseded"  # its decision fell before it was sent


class MessageAlreadyDeliveredError(ConflictError):
    """This message reached the customer already."""


@dataclass(kw_only=True)
class Message:
    """One text for one customer. Its `id` is its Message-ID, the same at every attempt.

    `next_attempt_at` is when the mail worker may take it; while it is being sent, when that claim ends.
    `asks_satisfaction`: the text holds the question whether the customer is satisfied.
    """

    id: UUID
    complaint_id: UUID
    kind: MessageKind
    status: MessageStatus
    language: Language
    template: str
    subject: str
    body: str
    asks_satisfaction: bool
    created_at: datetime
    attempts: int = 0
    next_attempt_at: datetime | None = None
    delivered_at: datetime | None = None
    delivered_channel: Channel | None = None
    failed_at: datetime | None = None
    last_error: str | None = None

    def deliver(self, channel: Channel, at: datetime) -> None:
        """It reached the customer. What was superseded or given up meanwhile is told truthfully as delivered."""
        if self.delivered_at is not None:
            raise MessageAlreadyDeliveredError
        if self.status is not MessageStatus.SUPERSEDED:
            self.status = MessageStatus.DELIVERED
        self.delivered_at, self.delivered_channel, self.next_attempt_at = at, channel, None

    def retry_or_give_up(self, next_attempt_at: datetime | None, error: str, at: datetime) -> bool:
        """A queued message's attempt failed: try again at `next_attempt_at`, or never; whether it was given up."""
        self.last_error, self.next_attempt_at = error, next_attempt_at
        if next_attempt_at is not None:
            return False
        self.status, self.failed_at = MessageStatus.FAILED, at
        return True

    def supersede(self) -> None:
        """Its decision fell; it is not sent any more."""
        if self.status in (MessageStatus.QUEUED, MessageStatus.AWAITING_HAND_OVER):
            self.status, self.next_attempt_at = MessageStatus.SUPERSEDED, None


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Attempts are bounded; pauses double from `base_seconds` up to `cap_seconds`.

    A claim is good for `lease_seconds`: if its worker dies, another one sends the message again after that.
    """

    max_attempts: int = 8
    base_seconds: float = 30.0
    cap_seconds: float = 3600.0
    lease_seconds: float = 120.0

    def next_attempt_at(self, attempts: int, at: datetime) -> datetime | None:
        """When to try again after `attempts` in vain; None: no more."""
        if attempts >= self.max_attempts:
            return None
        pause = min(self.base_seconds * 2.0 ** (attempts - 1), self.cap_seconds)
        return at + timedelta(seconds=pause)
