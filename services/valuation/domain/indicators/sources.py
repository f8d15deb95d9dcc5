"""What an indicator may read: a closed list of what a customer did and received, never of who a person is.

Age, sex, origin, belief, health and the like are no sources, nor is anything that the register knows of a person.
"""

from dataclasses import dataclass
from typing import Literal

Direction = Literal["higher", "lower"]
Unit = Literal["money", "days", "count", "share", "csat", "nps"]
ValueKind = Literal["realised", "potential", "influence", "behaviour", "service"]

# Tickets, complaints and answers count for so long, so that a long acquaintance is no fault.
SERVICE_DAYS = 365


@dataclass(frozen=True, slots=True)
class Source:
    """A figure that is known (or not yet) of every customer.

    kind       which of the values it speaks of
    direction  which end is the good one, unless an indicator says otherwise
    label      in words, English and Chinese; `unknown` says why it can be missing
    """

    name: str
    kind: ValueKind
    unit: Unit
    direction: Direction
    label: str
    label_zh: str
    unknown: str = "not known"
    unknown_zh: str = "尚无数据"


_NEVER_BOUGHT = ("nothing bought yet", "尚未购买")
_NOT_SCORED = ("not scored yet", "尚未评估")
_UNPRICED = ("some cases have no cost rate", "部分服务未设成本费率")
_NOT_ASKED = ("no answer in the last year", "近一年未作答")

_LISTED = (
    Source("realised_margin", "realised", "money", "higher", "Margin brought so far", "累计毛利"),
    Source("spend", "realised", "money", "higher", "Amount bought so far", "累计消费"),
    Source("cost_saved", "realised", "money", "higher", "Cost saved for us", "节约成本"),
    Source(
        "potential_clv",
        "potential",
        "money",
        "higher",
        "Expected lifetime value",
        "预期生命周期价值",
        *_NOT_SCORED,
    ),
    Source(
        "p_alive", "potential", "share", "higher", "Probability of still buying", "活跃概率", *_NOT_SCORED
    ),
    Source(
        "recency", "behaviour", "days", "lower", "Time since the last purchase", "距上次购买", *_NEVER_BOUGHT
    ),
    Source("frequency", "behaviour", "count", "higher", "Days with a purchase", "购买天数"),
    Source(
        "average_spend",
        "behaviour",
        "money",
        "higher",
        "Average amount of a purchase",
        "单次平均消费",
        *_NEVER_BOUGHT,
    ),
    Source("tenure", "behaviour", "days", "higher", "Time as a customer", "客户时长"),
    Source("referrals", "influence", "count", "higher", "Customers referred unprompted", "自发推荐客户数"),
    Source(
        "incentivised_referrals",
        "influence",
        "count",
        "higher",
        "Customers referred for a reward",
        "激励推荐客户数",
    ),
    Source(
        "referred_margin",
        "influence",
        "money",
        "higher",
        "Margin of customers referred unprompted",
        "自发推荐客户毛利",
    ),
    Source(
        "incentivised_referred_margin",
        "influence",
        "money",
        "higher",
        "Margin of customers referred for a reward",
        "激励推荐客户毛利",
    ),
    Source("tickets", "service", "count", "lower", "Tickets in the last year", "近一年工单数"),
    Source("complaints", "service", "count", "lower", "Complaints in the last year", "近一年投诉数"),
    Source(
        "csat",
        "service",
        "csat",
        "higher",
        "Satisfaction after service (CSAT)",
        "服务满意度（CSAT）",
        *_NOT_ASKED,
    ),
    Source(
        "nps", "service", "nps", "higher", "Willingness to recommend (NPS)", "推荐意愿（NPS）", *_NOT_ASKED
    ),
    Source(
        "cost_to_serve",
        "service",
        "money",
        "lower",
        "Cost to serve so far",
        "累计服务成本",
        *_UNPRICED,
    ),
)

SOURCES: dict[str, Source] = {source.name: source for source in _LISTED}
