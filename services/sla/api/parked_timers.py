"""Parked timers: those that failed alone, for operators."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response

from services.sla.domain.thresholds import ThresholdKind
from services.sla.persistence import timer_store
from services.sla.usecases.park_timer import RetryTimer, retry_timer
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Page
from shared.web.reads import Reader, reading

router = APIRouter(tags=["operations"])


class ParkedTimerOut(ApiModel):
    """A timer of a clock that could not be fired; its clock goes on without it until it is retried."""

    id: int
    clock_id: UUID
    cycle: int
    subject_id: UUID
    kind: ThresholdKind
    level: int
    due_at: datetime
    parked_at: datetime | None
    error: str | None

    @classmethod
    def of(cls, row: Any) -> "ParkedTimerOut":
        return cls(**{name: row[name] for name in cls.model_fields})


@router.get("/parked-timers", response_model=Page[ParkedTimerOut])
async def list_parked_timers(
    paging: Annotated[Paging, Depends(paging)],
    reader: Annotated[Reader, Depends(reading("list_parked_timers"))],
) -> Response:
    """Timers that failed, oldest first."""
    after = paging.after(int)
    async with reader.session() as session:
        rows = await timer_store.parked_page(
            session, after=None if after is None else after[0], limit=paging.fetch
        )
    return paging.page(rows, present=ParkedTimerOut.of, key=lambda row: (row["id"],))


@router.post("/parked-timers/{timer_id}/retry", response_model=ParkedTimerOut)
async def retry_parked_timer(
    timer_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
    edge: Annotated[CommandEdge, Depends(command("retry_parked_timer"))],
) -> Response:
    """Pending again; it fires at once if it is due."""
    return await edge.run(lambda work: retry_timer(RetryTimer(timer_id), work), present=ParkedTimerOut.of)
