"""Versions of the cuts that segments are made by."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.responses import Response

from services.valuation.domain.segments.rules import Cuts
from services.valuation.persistence import segment_rules
from services.valuation.persistence.segment_rules import NEWEST, StoredSegmentRules
from services.valuation.usecases import set_segment_rules as setting
from services.valuation.usecases.set_segment_rules import SetSegmentRules
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import ApiModel, Instant, Page
from shared.web.reads import Reader, reading

Minor = Annotated[int, Field(ge=0, le=2**53)]
Count = Annotated[int, Field(ge=1, le=36_500)]


class CutsModel(ApiModel):
    """Two amounts: low is below the first, high from the second on, medium between."""

    medium_from: Minor
    high_from: Minor

    @classmethod
    def of(cls, cuts: Cuts) -> "CutsModel":
        return cls(medium_from=cuts[0], high_from=cuts[1])

    def to_cuts(self) -> Cuts:
        return self.medium_from, self.high_from


class SegmentRulesContent(ApiModel):
    """The cuts. Amounts in minor units."""

    recent_days: Count = Field(description="Recent: bought within so many days.", examples=[180])
    frequent_days: Count = Field(description="Frequent: bought on at least so many days.", examples=[3])
    large_spend_minor: Minor = Field(description="Large: spent at least so much.", examples=[10000])
    current_minor: CutsModel = Field(description="Cuts of the margin realised.")
    potential_minor: CutsModel = Field(description="Cuts of the expected lifetime value.")


class SegmentRulesOut(SegmentRulesContent):
    """One version; the newest holds."""

    version: int
    created_at: Instant
    created_by: str

    @classmethod
    def of(cls, stored: StoredSegmentRules) -> "SegmentRulesOut":
        rules = stored.rules
        return cls(
            version=rules.version,
            recent_days=rules.recent_days,
            frequent_days=rules.frequent_days,
            large_spend_minor=rules.large_spend_minor,
            current_minor=CutsModel.of(rules.current_minor),
            potential_minor=CutsModel.of(rules.potential_minor),
            created_at=stored.created_at,
            created_by=stored.created_by,
        )


def segment_rule_routes() -> APIRouter:
    router = APIRouter(tags=["segments"])

    @router.post("/segment-rules", status_code=201, response_model=SegmentRulesOut)
    async def set_segment_rules(
        body: SegmentRulesContent, edge: Annotated[CommandEdge, Depends(command("set_segment_rules"))]
    ) -> Response:
        """A new version, which holds at once. Segments are read by it; no tier moves."""
        wanted = SetSegmentRules(
            body.recent_days,
            body.frequent_days,
            body.large_spend_minor,
            body.current_minor.to_cuts(),
            body.potential_minor.to_cuts(),
        )
        return await edge.run(
            lambda work: setting.set_segment_rules(wanted, work),
            present=SegmentRulesOut.of,
            status=201,
            location=lambda stored: f"/valuation/v1/segment-rules/{stored.rules.version}",
        )

    @router.get("/segment-rules", response_model=Page[SegmentRulesOut])
    async def list_segment_rules(
        reader: Annotated[Reader, Depends(reading("list_segment_rules"))],
        paging: Annotated[Paging, Depends(paging)],
    ) -> Response:
        """All versions, the newest first."""
        after = paging.after(int)
        through = NEWEST if after is None else after[0] - 1
        async with reader.session() as session:
            versions = await segment_rules.page(session, through, paging.fetch)
        return paging.page(versions, present=SegmentRulesOut.of, key=lambda stored: (stored.rules.version,))

    @router.get("/segment-rules/{version}", response_model=SegmentRulesOut)
    async def get_segment_rules(
        version: Annotated[int, Path(ge=1, le=NEWEST)],
        reader: Annotated[Reader, Depends(reading("get_segment_rules"))],
    ) -> Response:
        """One version."""
        async with reader.session() as session:
            stored = await segment_rules.require(session, version)
        return reader.answer(SegmentRulesOut.of(stored))

    return router
