"""Write a new version of the cuts of segments."""

from dataclasses import dataclass

from services.valuation.domain.segments.rules import Cuts, SegmentRules
from services.valuation.persistence import segment_rules
from services.valuation.persistence.segment_rules import StoredSegmentRules
from shared.db.work import Work


@dataclass(frozen=True, slots=True)
class SetSegmentRules:
    """The cuts as they shall be from now on; see `SegmentRules`."""

    recent_days: int
    frequent_days: int
    large_spend_minor: int
    current_minor: Cuts
    potential_minor: Cuts


async def set_segment_rules(command: SetSegmentRules, work: Work) -> StoredSegmentRules:
    """Segments are read, not held: the version holds at once and moves no tier. Raises `SegmentCutsOutOfOrderError`."""
    await segment_rules.take_turn(work)
    before = await segment_rules.newest(work)
    rules = SegmentRules(
        version=before.rules.version + 1,
        recent_days=command.recent_days,
        frequent_days=command.frequent_days,
        large_spend_minor=command.large_spend_minor,
        current_minor=command.current_minor,
        potential_minor=command.potential_minor,
    )
    return await segment_rules.add(work, rules)
