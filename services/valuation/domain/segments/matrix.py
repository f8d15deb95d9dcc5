"""The matrix of current and potential value (当前价值 × 潜在价值): a strategy for each cell, influence laid over it.

Influence is never added to either value: it says what else to do for a customer, whatever the cell.
"""

from dataclasses import dataclass
from typing import Literal

from services.valuation.domain.segments.rules import Cuts, SegmentRules

Level = Literal["low", "medium", "high"]
PotentialLevel = Literal["low", "medium", "high", "not_scored"]

LEVELS: tuple[Level, ...] = ("low", "medium", "high")
POTENTIAL_LEVELS: tuple[PotentialLevel, ...] = (*LEVELS, "not_scored")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix; `not_scored` is for customers whose potential no model has estimated yet."""

    current: Level
    potential: PotentialLevel
    name: str
    name_zh: str
    strategy: str
    strategy_zh: str


_CELLS = (
    Cell(
        "high",
        "high",
        "Partners",
        "核心客户",
        "Keep: the best service there is, and a say in what comes next.",
        "全力维系：提供最好的服务，并邀请参与改进。",
    ),
    Cell(
        "high",
        "medium",
        "Pillars",
        "稳定客户",
        "Keep steady: no surprises, quick answers, care about renewals.",
        "稳定维系：响应及时，关注续约。",
    ),
    Cell(
        "high",
        "low",
        "Fading",
        "衰退客户",
        "Thank and learn: ask what changed; keep the service, add no cost.",
        "感谢并了解变化原因：保持服务，不增加投入。",
    ),
    Cell(
        "medium",
        "high",
        "Rising",
        "成长客户",
        "Develop: show what fits next, and take hindrances away.",
        "重点发展：推荐合适的服务，消除障碍。",
    ),
    Cell(
        "medium",
        "medium",
        "Core",
        "普通客户",
        "Serve well by the standard, and watch which way they go.",
        "按标准做好服务，关注变化。",
    ),
    Cell(
        "medium",
        "low",
        "Content",
        "维持客户",
        "Keep simple: self-service first, people when it matters.",
        "简化服务：以自助为主，必要时人工介入。",
    ),
    Cell(
        "low",
        "high",
        "Seedlings",
        "潜力客户",
        "Invest a little early: help with the first steps, learn what they need.",
        "尽早培育：帮助上手，了解需求。",
    ),
    Cell(
        "low",
        "medium",
        "Newcomers",
        "观察客户",
        "Make it easy to do more, and look again in a while.",
        "提供便利，持续观察。",
    ),
    Cell(
        "low",
        "low",
        "Passers-by",
        "低值客户",
        "Serve fairly and cheaply: every request is answered, none is chased.",
        "公平、低成本地服务：有求必应，不主动营销。",
    ),
    Cell(
        "high",
        "not_scored",
        "High, not scored",
        "高价值（未评估）",
        "Keep as partners until the potential is known.",
        "在评估潜力之前按核心客户维系。",
    ),
    Cell(
        "medium",
        "not_scored",
        "Medium, not scored",
        "中价值（未评估）",
        "Serve by the standard until the potential is known.",
        "在评估潜力之前按标准服务。",
    ),
    Cell(
        "low",
        "not_scored",
        "Low, not scored",
        "低价值（未评估）",
        "Serve fairly; judge nobody by what is not known.",
        "公平服务；未知情况下不作判断。",
    ),
)
CELLS = {(cell.current, cell.potential): cell for cell in _CELLS}


@dataclass(frozen=True, slots=True)
class InfluenceNote:
    """What influence adds to the strategy of a cell; None of it when nobody was brought."""

    strategy: str
    strategy_zh: str


_UNPROMPTED = InfluenceNote(
    "Brings others unasked: thank in person, ask what they tell them, and never let a request wait.",
    "主动带来其他客户：当面致谢，了解口碑，优先回应。",
)
_INCENTIVISED = InfluenceNote(
    "Brings others for a reward: pay what was promised, and see whether those who come stay.",
    "因奖励推荐其他客户：兑现承诺，关注被推荐客户的留存。",
)


def level_of(value_minor: float, cuts: Cuts) -> Level:
    """low below the first cut, high from the second on."""
    low, high = cuts
    return "low" if value_minor < low else "medium" if value_minor < high else "high"


def cell_of(current_minor: int, potential_minor: float | None, rules: SegmentRules) -> Cell:
    """The cell of one customer; a potential of None is not scored yet."""
    potential: PotentialLevel = "not_scored"
    if potential_minor is not None:
        potential = level_of(potential_minor, rules.potential_minor)
    return CELLS[level_of(current_minor, rules.current_minor), potential]


def influence_note(referrals: int, incentivised_referrals: int) -> InfluenceNote | None:
    """The overlay: unprompted referrals come before those for a reward, which never stand in for them."""
    if referrals:
        return _UNPROMPTED
    return _INCENTIVISED if incentivised_referrals else None
