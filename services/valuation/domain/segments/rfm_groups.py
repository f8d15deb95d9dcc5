"""RFM groups (RFM 客户分组): recent, frequent and large, each yes or no, give eight groups."""

from dataclasses import dataclass
from datetime import date

from services.valuation.domain.rfm import Rfm
from services.valuation.domain.segments.rules import SegmentRules

NOT_BOUGHT = "not_bought"


@dataclass(frozen=True, slots=True)
class RfmGroup:
    """A group with its name and what to do for it, in English and Chinese."""

    code: str
    name: str
    name_zh: str
    strategy: str
    strategy_zh: str


_GROUPS = (
    RfmGroup(
        "key_value",
        "Key customers",
        "重要价值客户",
        "Keep close: one contact who knows them, early access, thanks that are meant.",
        "重点维系：固定联系人、优先体验、真诚感谢。",
    ),
    RfmGroup(
        "key_development",
        "Key customers to develop",
        "重要发展客户",
        "They spend much and rarely: show what else helps them, so that they come back sooner.",
        "消费高但频次低：介绍其他合适的服务，提高频次。",
    ),
    RfmGroup(
        "key_retention",
        "Key customers to keep",
        "重要保持客户",
        "They came often and stay away now: ask why, in person, before another offers an answer.",
        "曾经常来、近期未来：主动回访，了解原因。",
    ),
    RfmGroup(
        "key_recovery",
        "Key customers to win back",
        "重要挽留客户",
        "They spent much and are long gone: one well-founded approach, then leave them in peace.",
        "消费高但久未光顾：进行一次有针对性的挽留，之后不再打扰。",
    ),
    RfmGroup(
        "general_value",
        "Regular customers",
        "一般价值客户",
        "They come often with small needs: make what they do most as easy as can be.",
        "经常光顾、金额较小：让常用服务更便捷。",
    ),
    RfmGroup(
        "general_development",
        "New and occasional customers",
        "一般发展客户",
        "They have only begun: help with the first steps, and follow up once.",
        "刚刚开始：帮助上手，并回访一次。",
    ),
    RfmGroup(
        "general_retention",
        "Regular customers gone quiet",
        "一般保持客户",
        "They came often and stay away now: a reminder of what they used, by self-service.",
        "曾经常来、近期未来：通过自助渠道提醒。",
    ),
    RfmGroup(
        "general_recovery",
        "Customers long gone",
        "一般挽留客户",
        "They bought little, long ago: answer well when they call, and spend nothing on reaching out.",
        "早先少量购买：来访时认真服务，不主动投入。",
    ),
    RfmGroup(
        NOT_BOUGHT,
        "Not bought yet",
        "尚未购买",
        "They are registered only: answer questions, and do not push.",
        "仅已登记：解答问题，不做推销。",
    ),
)
GROUPS = {group.code: group for group in _GROUPS}
_PRIORITY = {True: "key", False: "general"}
_PHASE = {
    (True, True): "value",
    (True, False): "development",
    (False, True): "retention",
    (False, False): "recovery",
}


def group_of(rfm: Rfm, rules: SegmentRules, today: date) -> RfmGroup:
    """The group of one customer on that day."""
    if rfm.last_day is None:
        return GROUPS[NOT_BOUGHT]
    return group_by(
        is_recent=(today - rfm.last_day).days <= rules.recent_days,
        is_frequent=rfm.purchase_days >= rules.frequent_days,
        is_large=rfm.spend_minor >= rules.large_spend_minor,
    )


def group_by(*, is_recent: bool, is_frequent: bool, is_large: bool) -> RfmGroup:
    """The group of customers that have bought."""
    return GROUPS[f"{_PRIORITY[is_large]}_{_PHASE[is_recent, is_frequent]}"]
