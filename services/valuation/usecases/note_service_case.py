"""Note what ticketing or complaints report about a customer's case."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.valuation.domain.costs.cases import CaseKind
from services.valuation.persistence import service_cases
from shared.db.work import Work


@dataclass(frozen=True)
class NoteCaseOpened:
    kind: CaseKind
    case_id: UUID
    customer_id: UUID | None
    opened_at: datetime


@dataclass(frozen=True)
class NoteCaseOwned:
    kind: CaseKind
    case_id: UUID
    customer_id: UUID


@dataclass(frozen=True)
class NoteCaseClosed:
    """`closed_at` None says that the case is open again."""

    kind: CaseKind
    case_id: UUID
    closed_at: datetime | None
    outcome: str | None = None


@dataclass(frozen=True)
class NoteFollowUp:
    """A customer's answer after a ticket: CSAT 1-5, NPS 0-10, either may be absent."""

    case_id: UUID
    customer_id: UUID
    csat: int | None
    nps: int | None


@dataclass(frozen=True)
class NoteSatisfaction:
    case_id: UUID
    satisfied: bool


@dataclass(frozen=True)
class NoteCaseRemoved:
    kind: CaseKind
    case_id: UUID


NoteServiceCase = (
    NoteCaseOpened | NoteCaseOwned | NoteCaseClosed | NoteFollowUp | NoteSatisfaction | NoteCaseRemoved
)


async def note_service_case(command: NoteServiceCase, work: Work) -> None:
    """Each fact is written as it is told, so telling it again changes nothing."""
    match command:
        case NoteCaseOpened(kind, case_id, customer_id, opened_at):
            await service_cases.note_opened(work, kind, case_id, customer_id=customer_id, opened_at=opened_at)
        case NoteCaseOwned(kind, case_id, customer_id):
            await service_cases.note_owned(work, kind, case_id, customer_id)
        case NoteCaseClosed(kind, case_id, closed_at, outcome):
            await service_cases.note_closed(work, kind, case_id, closed_at=closed_at, outcome=outcome)
        case NoteFollowUp(case_id, customer_id, csat, nps):
            await service_cases.note_answered(work, case_id, customer_id=customer_id, csat=csat, nps=nps)
        case NoteSatisfaction(case_id, satisfied):
            await service_cases.note_satisfaction(work, case_id, satisfied)
        case NoteCaseRemoved(kind, case_id):
            await service_cases.remove(work, kind, case_id)
