"""A contest: the customer says that a tier is wrong, and a person reviews what the rules decided."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.valuation.domain.tiering.contest_status import ContestCommand, ContestStatus, next_status
from services.valuation.domain.tiering.errors import (
    NothingToContestError,
    OwnContestError,
    TierNotHeldError,
)
from services.valuation.domain.tiers import TierRules

ContestOutcome = Literal["upheld", "overridden"]


@dataclass(frozen=True, slots=True)
class ContestStep:
    """One line of the audit: what was done to the contest, by whom, when, and why."""

    place: int
    command: str
    status: ContestStatus
    at: datetime
    by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class HeldTier:
    """The tier that a customer holds, the value and rules that it is judged by, and who decided if a person did."""

    tier: str
    value_minor: int
    rules: TierRules
    decided_by: str | None


@dataclass
class TierContest:
    """What is contested, as it stood when it was contested, and where the review is.

    tier, rule_version, value_minor  the tier held, the rules that it was judged by and the value judged
    grounds                        what the customer says; people's data, kept on this row alone
    override_id                      the decision that answers it, for one that was overridden
    """

    id: UUID
    customer_id: UUID
    tier: str
    rule_version: int
    value_minor: int
    grounds: str | None
    filed_by: str
    filed_at: datetime
    decided_before_by: str | None = None
    status: ContestStatus = ContestStatus.OPEN
    reviewer: str | None = None
    reason: str | None = None
    override_id: UUID | None = None
    decided_at: datetime | None = None
    version: int = 1
    steps: list[ContestStep] = field(default_factory=list)
    _written: int = 0

    @classmethod
    def file(
        cls,
        contest_id: UUID,
        customer_id: UUID,
        contested_tier: str,
        grounds: str,
        held: HeldTier,
        *,
        by: str,
        at: datetime,
    ) -> "TierContest":
        """A new contest of the tier held.

        Raises `TierNotHeldError` when the contested tier is another one, `NothingToContestError` on the highest.
        """
        if contested_tier != held.tier:
            raise TierNotHeldError(f"the tier held is {held.tier}, not {contested_tier}")
        if held.tier == held.rules.tiers[-1].name:
            raise NothingToContestError
        contest = cls(
            id=contest_id,
            customer_id=customer_id,
            tier=held.tier,
            rule_version=held.rules.version,
            value_minor=held.value_minor,
            grounds=grounds,
            filed_by=by,
            filed_at=at,
            decided_before_by=held.decided_by,
        )
        contest._note("file", by, at)
        return contest

    def take(self, by: str, at: datetime) -> None:
        """Somebody else than its author, and than who decided on the tier before, reviews it.

        Raises `OwnContestError`, `TierContestNotOpenError`.
        """
        if by in (self.filed_by, self.decided_before_by):
            raise OwnContestError
        self._step(ContestCommand.TAKE, by, at)
        self.reviewer = by

    def uphold(self, by: str, at: datetime, reason: str) -> None:
        """The tier stands. Raises `OwnContestError`, `TierContestNotOpenError`."""
        self._decide(ContestCommand.UPHOLD, by, at, reason)

    def override(self, by: str, at: datetime, reason: str, override_id: UUID) -> None:
        """Another tier is held by decision of the reviewer. Raises as `uphold` does."""
        self._decide(ContestCommand.OVERRIDE, by, at, reason)
        self.override_id = override_id

    def withdraw(self, by: str, at: datetime) -> None:
        """Raises `TierContestNotOpenError` once it is decided."""
        self._step(ContestCommand.WITHDRAW, by, at)

    def take_steps(self) -> list[ContestStep]:
        """The lines of the audit since the last call; the store appends them."""
        taken, self._written = self.steps[self._written :], len(self.steps)
        return taken

    def _decide(self, command: ContestCommand, by: str, at: datetime, reason: str) -> None:
        if by in (self.filed_by, self.decided_before_by):
            raise OwnContestError
        self._step(command, by, at, reason)
        self.reviewer, self.reason, self.decided_at = by, reason, at

    def _step(self, command: ContestCommand, by: str, at: datetime, reason: str | None = None) -> None:
        self.status = next_status(self.status, command)
        self.version += 1
        self._note(command.value, by, at, reason)

    def _note(self, command: str, by: str, at: datetime, reason: str | None = None) -> None:
        self.steps.append(ContestStep(self.version, command, self.status, at, by, reason))
