"""An insight: a suggested action for a customer, with its reason, owner, due date and outcome."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from services.valuation.domain.insights.control_group import is_held_back
from services.valuation.domain.insights.findings import Finding
from services.valuation.domain.insights.insight_status import InsightCommand, InsightStatus, after
from services.valuation.domain.insights.rules import InsightKind, InsightRules

Outcome = Literal["bought", "interested", "reconciled", "not_interested", "unreachable", "other"]
Dismissal = Literal["not_applicable", "handled_already", "customer_declined", "other"]


@dataclass(kw_only=True)
class Insight:
    """One suggestion. `is_control`: recorded, shown to nobody, acted on by nobody.

    outcome  what came of it when done, or why it was dismissed
    note     what a person wrote about that; erased with the customer
    """

    id: UUID
    customer_id: UUID
    kind: InsightKind
    cause: str
    facts: dict[str, Any]
    rule_version: int
    owner: str
    is_control: bool
    status: InsightStatus
    raised_at: datetime
    due_at: datetime
    expires_at: datetime
    taken_at: datetime | None = None
    taken_by: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    outcome: str | None = None
    note: str | None = None
    version: int = 1

    @classmethod
    def of(cls, finding: Finding, insight_id: UUID, at: datetime, rules: InsightRules) -> "Insight":
        """The insight that a finding makes."""
        rule = rules.kinds[finding.kind]
        return cls(
            id=insight_id,
            customer_id=finding.customer_id,
            kind=finding.kind,
            cause=finding.cause,
            facts=finding.facts,
            rule_version=rules.version,
            owner=rule.owner,
            is_control=is_held_back(finding.customer_id, finding.kind, rules),
            status=InsightStatus.OPEN,
            raised_at=at,
            due_at=at + timedelta(days=rule.due_days),
            expires_at=at + timedelta(days=rule.expires_days),
        )

    def take(self, by: str, at: datetime) -> None:
        """Raises `InsightAlreadyTakenError`, `InsightEndedError`."""
        self._move(InsightCommand.TAKE)
        self.taken_by, self.taken_at = by, at

    def complete(self, outcome: Outcome, note: str | None, by: str, at: datetime) -> None:
        """Raises `InsightNotTakenError`, `InsightEndedError`."""
        self._move(InsightCommand.COMPLETE)
        self._end(outcome, note, by, at)

    def dismiss(self, reason: Dismissal, note: str | None, by: str, at: datetime) -> None:
        """Raises `InsightEndedError`."""
        self._move(InsightCommand.DISMISS)
        self._end(reason, note, by, at)

    def _move(self, command: InsightCommand) -> None:
        self.status = after(command, self.status)
        self.version += 1

    def _end(self, outcome: str, note: str | None, by: str, at: datetime) -> None:
        self.outcome, self.note, self.ended_by, self.ended_at = outcome, note, by, at
