"""Previews: a draft policy or calendar against the clocks that are open. Streams lines, changes nothing."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field, model_validator
from starlette.responses import StreamingResponse

from services.sla.api.calendar_models import SpecificationIn
from services.sla.api.catalogue_access import SlaContext, context_of
from services.sla.api.policy_models import EXAMPLE, PolicyDocument
from services.sla.domain.preview import EDGES, Assumption, Listed, Tally
from services.sla.usecases.preview_change import Draft, Progress, draft_calendar, draft_policy, preview_change
from shared.web.models import ApiModel
from shared.web.reads import Reader, reading

log = structlog.get_logger(__name__)
router = APIRouter(tags=["policies"])
NDJSON = "application/x-ndjson"


class DraftPolicyIn(PolicyDocument):
    """What a version would say. With `policy_id` it is that policy's next version, else a policy of its own."""

    policy_id: UUID | None = None


class DraftCalendarIn(SpecificationIn):
    """What the next version of this calendar would say."""

    calendar_id: UUID


class PreviewIn(ApiModel):
    """One draft, a policy's or a calendar's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"policy": EXAMPLE}]})

    policy: DraftPolicyIn | None = None
    calendar: DraftCalendarIn | None = None
    assume: Assumption = Field(
        default=Assumption.APPLIED_NOW,
        description="`applied_now`: as a retroactive application would do it now, with its notice. "
        "`in_force_from_start`: how the open clocks would stand had the draft been in force all along.",
    )

    @model_validator(mode="after")
    def _one_of(self) -> "PreviewIn":
        if (self.policy is None) == (self.calendar is None):
            raise ValueError("give a policy or a calendar, one of them")
        return self


class PreviewProgress(ApiModel):
    """A line while it goes on."""

    event: str = "progress"
    subjects_done: int
    subjects_total: int
    clocks_done: int


class BucketOut(ApiModel):
    """Clocks whose due date moves by more than `over_seconds` and at most `up_to_seconds` (later is positive)."""

    over_seconds: int | None
    up_to_seconds: int | None
    clocks: int


class ListedClock(ApiModel):
    clock_id: UUID
    subject_kind: str
    subject_id: UUID
    agreement: str
    metric: str
    due_at_before: datetime | None
    due_at_after: datetime | None

    @classmethod
    def of(cls, listed: Listed) -> "ListedClock":
        return cls(
            clock_id=listed.clock_id,
            subject_kind=listed.subject_kind,
            subject_id=listed.subject_id,
            agreement=listed.key.agreement,
            metric=listed.key.metric,
            due_at_before=listed.due_at_before,
            due_at_after=listed.due_at_after,
        )


class ListedClocks(ApiModel):
    """How many, and the first of them by subject."""

    count: int
    clocks: list[ListedClock]
    is_truncated: bool

    @classmethod
    def of(cls, count: int, listed: list[Listed]) -> "ListedClocks":
        return cls(
            count=count, clocks=[ListedClock.of(one) for one in listed], is_truncated=count > len(listed)
        )


class PreviewResult(ApiModel):
    """The last line. A paused clock's due date is taken as if it went on at `as_of`."""

    event: str = "result"
    as_of: datetime
    assume: Assumption
    subjects: int
    clocks: int
    unmoved: int
    earlier: int
    later: int
    promised: int = Field(description="Clocks that only the draft promises.")
    dropped: int = Field(description="Clocks that nobody would promise any more.")
    undatable: int = Field(description="Clocks without a due date before or after.")
    moves: list[BucketOut]
    newly_breached: ListedClocks
    saved: ListedClocks

    @classmethod
    def of(cls, tally: Tally, as_of: datetime, assume: Assumption) -> "PreviewResult":
        edges = pairwise((None, *EDGES, None))
        buckets = [
            BucketOut(over_seconds=over, up_to_seconds=up_to, clocks=clocks)
            for (over, up_to), clocks in zip(edges, tally.moves, strict=True)
        ]
        sooner = sum(b.clocks for b in buckets if b.up_to_seconds is not None and b.up_to_seconds <= 0)
        return cls(
            as_of=as_of,
            assume=assume,
            subjects=tally.subjects,
            clocks=tally.clocks,
            unmoved=tally.unmoved,
            earlier=sooner,
            later=sum(tally.moves) - sooner,
            promised=tally.promised,
            dropped=tally.dropped,
            undatable=tally.undatable,
            moves=buckets,
            newly_breached=ListedClocks.of(tally.newly_breached, tally.breached_list),
            saved=ListedClocks.of(tally.saved, tally.saved_list),
        )


_SCHEMA = {
    "type": "string",
    "description": "A JSON object a line: `progress` …, then `result` (or `failed`).",
}


@router.post(
    "/policy-previews",
    response_class=StreamingResponse,
    responses={
        200: {"content": {NDJSON: {"schema": _SCHEMA}}, "description": "Progress, then the result."},
        404: {"description": "There is no such policy or calendar."},
    },
)
async def preview_policy(
    body: PreviewIn,
    context: Annotated[SlaContext, Depends(context_of)],
    reader: Annotated[Reader, Depends(reading("preview_policy"))],
) -> StreamingResponse:
    """What a draft would do to the open clocks: how many due dates move and how far, which clocks newly breach,
    which are saved. Nothing is changed."""
    now = context.clock.now()
    draft = await _draft(body, context, reader, now)
    return StreamingResponse(_lines(draft, body.assume, now, reader), media_type=NDJSON)


async def _draft(body: PreviewIn, context: SlaContext, reader: Reader, now: datetime) -> Draft:
    async with reader.session() as session:
        catalogue = await context.catalogues.newest(session)
    if body.policy is not None:
        return draft_policy(body.policy.document(), body.policy.policy_id, catalogue, now)
    assert body.calendar is not None
    written = body.calendar.specification()
    return await draft_calendar(written, body.calendar.calendar_id, catalogue, now, context.years)


async def _lines(draft: Draft, assume: Assumption, now: datetime, reader: Reader) -> AsyncIterator[bytes]:
    try:
        async for progress in preview_change(draft, assume, now, reader.session):
            yield _line(_shown(progress, assume, now))
    except Exception:
        # The answer has begun, so that its status cannot say it any more.
        log.exception("preview_failed")
        yield json.dumps({"event": "failed", "code": "internal_error"}).encode() + b"\n"


def _shown(progress: Progress, assume: Assumption, now: datetime) -> ApiModel:
    if progress.is_last:
        return PreviewResult.of(progress.tally, now, assume)
    return PreviewProgress(
        subjects_done=progress.tally.subjects,
        subjects_total=progress.subjects_total,
        clocks_done=progress.tally.clocks,
    )


def _line(model: Any) -> bytes:
    text: str = model.model_dump_json()
    return text.encode() + b"\n"
