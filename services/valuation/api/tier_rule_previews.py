"""Previews: a draft of the tier rules against all customers. Streams lines, changes nothing."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from starlette.responses import StreamingResponse

from services.valuation.api.tier_rules import TierRulesContent, wanted_rules
from services.valuation.api.tier_runs import MoveOut
from services.valuation.domain.tiering.rule_change import most_endangered
from services.valuation.domain.tiers import TierRules
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.preview_tier_rules import Progress, draft_tier_rules, preview_tier_rules
from shared.web.models import ApiModel, Instant
from shared.web.reads import Reader, reading

log = structlog.get_logger(__name__)
NDJSON = "application/x-ndjson"

_SCHEMA = {
    "type": "string",
    "description": "A JSON object a line: `progress` …, then `result` (or `failed`). The result has the moves by kind, "
    "from and to with examples, how many tiers would be endangered, and how many of those the cap would hold back.",
}


class PreviewProgress(ApiModel):
    """A line while it goes on."""

    event: str = "progress"
    customers_done: int
    customers_total: int


class PreviewResult(ApiModel):
    """The last line: what a run of these rules would do now."""

    event: str = "result"
    as_of: Instant
    rule_version: int
    customers: int
    moves: list[MoveOut]
    endangered: int
    cap: Decimal
    admitted: int
    held: int

    @classmethod
    def of(cls, progress: Progress, draft: TierRules, cap: Decimal) -> "PreviewResult":
        tally = progress.tally
        endangered = tally.count("endangered")
        admitted = min(endangered, most_endangered(tally.count(), cap))
        return cls(
            as_of=draft.effective_from,
            rule_version=draft.version,
            customers=tally.count(),
            moves=[MoveOut.model_validate(move) for move in tally.moves],
            endangered=endangered,
            cap=cap,
            admitted=admitted,
            held=endangered - admitted,
        )


def tier_rule_preview_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["tier rules"])

    @router.post(
        "/tier-rule-previews",
        response_class=StreamingResponse,
        responses={
            200: {"content": {NDJSON: {"schema": _SCHEMA}}, "description": "Progress, then the result."}
        },
    )
    async def preview_rules(
        body: TierRulesContent, reader: Annotated[Reader, Depends(reading("preview_rules"))]
    ) -> StreamingResponse:
        """What a draft would do to everybody: who moves from which tier to which, and whose tier it endangers.
        Nothing is changed."""
        async with reader.session() as session:
            draft = await draft_tier_rules(wanted_rules(body), session, valuation)
        return StreamingResponse(_lines(draft, valuation, reader), media_type=NDJSON)

    return router


async def _lines(draft: TierRules, valuation: Valuation, reader: Reader) -> AsyncIterator[bytes]:
    try:
        async for progress in preview_tier_rules(draft, valuation, reader.session):
            shown: ApiModel = PreviewProgress(
                customers_done=progress.tally.count(), customers_total=progress.customers_total
            )
            if progress.is_last:
                shown = PreviewResult.of(progress, draft, valuation.demotion_cap)
            yield shown.model_dump_json().encode() + b"\n"
    except Exception:
        # The answer has begun, so that its status cannot say it any more.
        log.exception("preview_failed")
        yield json.dumps({"event": "failed", "code": "internal_error"}).encode() + b"\n"
