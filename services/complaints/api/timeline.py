"""The timeline of a complaint: append-only, with who did what."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from services.complaints.domain.timeline import (
    PUBLIC_FACTS,
    PUBLIC_KINDS,
    PUBLIC_TEXT_KINDS,
    EntryKind,
)
from services.complaints.persistence import complaint_store
from services.complaints.persistence.complaint_queries import find_timeline
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Page
from shared.web.reads import Reader, reading

router = APIRouter(tags=["timeline"])


class TimelineEntryOut(ApiModel):
    """One line. Customers see what was said to or by them, and never who on our side wrote it."""

    id: int
    kind: EntryKind
    at: datetime
    actor_role: str
    actor_id: str | None = Field(description="Absent for customers, except for their own.")
    text: str | None
    facts: dict[str, Any]

    @classmethod
    def for_staff(cls, row: Any) -> "TimelineEntryOut":
        return cls(**{name: row[name] for name in cls.model_fields})

    @classmethod
    def for_customer(cls, row: Any) -> "TimelineEntryOut":
        return cls(
            id=row["id"],
            kind=row["kind"],
            at=row["at"],
            actor_role=row["actor_role"],
            actor_id=row["actor_id"] if row["actor_role"] == "customer" else None,
            text=row["text"] if row["kind"] in PUBLIC_TEXT_KINDS else None,
            facts={name: value for name, value in row["facts"].items() if name in PUBLIC_FACTS},
        )


@router.get("/complaints/{complaint_id}/timeline", response_model=Page[TimelineEntryOut])
async def list_complaint_timeline(
    complaint_id: UUID,
    at_page: Paging = Depends(paging),
    reader: Reader = Depends(reading("list_complaint_timeline")),
) -> Response:
    """What happened, oldest first; customers see their own complaint's public lines."""
    is_customer = reader.principal.is_customer
    after = at_page.after(int)
    async with reader.session() as session:
        await complaint_store.get(session, complaint_id, of_customer=reader.principal.customer_id)
        rows = await find_timeline(
            session,
            complaint_id,
            kinds=sorted(PUBLIC_KINDS) if is_customer else None,
            after=after[0] if after else None,
            limit=at_page.fetch,
        )
    present = TimelineEntryOut.for_customer if is_customer else TimelineEntryOut.for_staff
    return at_page.page(rows, present=present, key=lambda row: (row["id"],))
