"""Scores (潜在价值): one customer's as of today, and all kept ones as a stream of lines."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from services.valuation.domain.serving.scoring import HORIZON_MONTHS
from services.valuation.persistence import customer_scores
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.read_customer_score import CustomerScore, ScoreReader
from shared.web.models import ApiModel
from shared.web.reads import Reader, reading

log = structlog.get_logger(__name__)
NDJSON = "application/x-ndjson"
PAGE_ROWS = 2000


class NoteOut(ApiModel):
    """What must be known of the figures, or why there are none."""

    code: str
    words: str
    words_zh: str


class CustomerScoreOut(ApiModel):
    """What is expected of a customer in the next twelve months; money in minor units. Expectations, not promises."""

    customer_id: UUID
    state: Literal["scored", "not_scored"]
    as_of: date
    p_alive: float | None = Field(description="Probability that the customer still buys, 0 to 1.")
    expected_purchases: float | None = Field(description="Days with a purchase within the horizon.")
    expected_average_spend_minor: float | None = Field(description="A purchase day, of those to come.")
    clv_minor: float | None = Field(
        description="Expected lifetime value within the horizon: margin, discounted."
    )
    currency: str
    horizon_months: int
    margin_rate: float | None = Field(
        description="Share of spend taken as margin: the customer's own so far, or the default (see notes)."
    )
    discount_rate: float = Field(description="A year.")
    model: str | None = Field(description="What the purchases are expected by.")
    spend_model: str | None
    model_version: int | None
    notes: list[NoteOut]

    @classmethod
    def of(cls, found: CustomerScore, currency: str, discount_rate: float) -> Self:
        version = found.version
        has_spend = version is not None and version.spend.parameters is not None
        return cls(
            customer_id=found.customer_id,
            state="not_scored" if found.p_alive is None else "scored",
            as_of=found.as_of,
            p_alive=found.p_alive,
            expected_purchases=found.expected_purchases,
            expected_average_spend_minor=found.expected_average_spend_minor,
            clv_minor=found.clv_minor,
            currency=currency,
            horizon_months=HORIZON_MONTHS,
            margin_rate=found.margin_rate,
            discount_rate=discount_rate,
            model=None if version is None else version.buying.model,
            spend_model=version.spend.model if version is not None and has_spend else None,
            model_version=None if version is None else version.version,
            notes=[NoteOut(code=note.code, words=note.words, words_zh=note.words_zh) for note in found.notes],
        )


class ScoreLine(ApiModel):
    """A line of the export: the score of `scored_on`."""

    customer_id: UUID
    model_version: int
    scored_on: date
    p_alive: float
    expected_purchases: float
    clv_minor: float
    currency: str


class ScoreEnd(ApiModel):
    """The last line, without which the export broke off."""

    event: Literal["end", "failed"]
    scores: int


_SCHEMA = {
    "type": "string",
    "description": "A JSON object a line: customer_id, model_version, scored_on, p_alive, expected_purchases, "
    "clv_minor, currency, in the order of the ids; the last line is `end` (or `failed`) with the number of scores.",
}


def customer_score_routes(valuation: Valuation) -> APIRouter:
    router = APIRouter(tags=["scores"])
    scores = ScoreReader(valuation)
    currency, discount_rate = valuation.ledger.currency, valuation.serving.scores.discount_rate

    @router.get("/customers/{customer_id}/score", response_model=CustomerScoreOut)
    async def get_customer_score(
        customer_id: UUID, reader: Annotated[Reader, Depends(reading("get_customer_score"))]
    ) -> Response:
        """The score as of today, by the version of the models in force; notes say what it rests on."""
        async with reader.session() as session:
            found = await scores.read(session, customer_id)
        return reader.answer(CustomerScoreOut.of(found, currency, discount_rate))

    @router.get(
        "/scores",
        response_class=StreamingResponse,
        responses={
            200: {"content": {NDJSON: {"schema": _SCHEMA}}, "description": "All scores, then the end."}
        },
    )
    async def export_scores(
        reader: Annotated[Reader, Depends(reading("export_scores"))],
    ) -> StreamingResponse:
        """All kept scores, as last computed: nightly, and soon after each purchase."""
        return StreamingResponse(_lines(reader, currency), media_type=NDJSON)

    return router


async def _lines(reader: Reader, currency: str) -> AsyncIterator[bytes]:
    after: UUID | None = None
    count = 0
    try:
        while True:
            async with reader.session() as session:
                rows = await customer_scores.page(session, after, PAGE_ROWS)
            if not rows:
                break
            shown = [ScoreLine(currency=currency, **dict(row)).model_dump_json().encode() for row in rows]
            yield b"\n".join(shown) + b"\n"
            after, count = rows[-1]["customer_id"], count + len(rows)
        yield ScoreEnd(event="end", scores=count).model_dump_json().encode() + b"\n"
    except Exception:
        # The answer has begun, so that its status cannot say it any more.
        log.exception("score_export_failed")
        yield ScoreEnd(event="failed", scores=count).model_dump_json().encode() + b"\n"
