"""Act on an insight: take it, tell what came of it, or dismiss it."""

from dataclasses import dataclass
from uuid import UUID

from services.valuation.domain.insights.insight import Dismissal, Insight, Outcome
from services.valuation.persistence import insights
from shared.db.work import Work
from shared.kernel.errors import PreconditionFailedError


@dataclass(frozen=True)
class TakeInsight:
    """Whoever asks takes it."""

    insight_id: UUID
    expected_version: int


@dataclass(frozen=True)
class CompleteInsight:
    """It was acted on, with this outcome."""

    insight_id: UUID
    expected_version: int
    outcome: Outcome
    note: str | None


@dataclass(frozen=True)
class DismissInsight:
    """Nothing will be done, for this reason."""

    insight_id: UUID
    expected_version: int
    reason: Dismissal
    note: str | None


async def handle_insight(command: TakeInsight | CompleteInsight | DismissInsight, work: Work) -> Insight:
    """Raises `InsightNotFoundError`, `PreconditionFailedError`, and what the insight's own methods raise."""
    insight = await insights.lock(work, command.insight_id)
    if insight.version != command.expected_version:
        raise PreconditionFailedError
    by = str(work.actor)
    match command:
        case TakeInsight():
            insight.take(by, work.now)
        case CompleteInsight(outcome=outcome, note=note):
            insight.complete(outcome, note, by, work.now)
        case DismissInsight(reason=reason, note=note):
            insight.dismiss(reason, note, by, work.now)
    await insights.save(work, insight)
    return insight
