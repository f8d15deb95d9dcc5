"""Why a customer holds its tier, in words: sentences made from the facts that decided, in English and Chinese.

Nothing is decided here, and nobody's name or free text is in it, so that the customer may read all of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.events import TierReason
from services.valuation.domain.outlook import Outlook
from services.valuation.domain.standing import Standing, TierChange
from services.valuation.domain.tiering.amounts import amount_text, day_text
from services.valuation.domain.tiers import TierRules


@dataclass(frozen=True, slots=True)
class Sentence:
    """One statement; `code` names its kind for machines."""

    code: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class TierFacts:
    """What the explanation is made of.

    change               the last line of the tier's history
    rules                those that the standing is judged by
    seen                 the outlook under them, today
    waits_for_version    the version that a cap on demotions keeps from this customer, if one does
    """

    standing: Standing
    change: TierChange
    rules: TierRules
    seen: Outlook
    waits_for_version: int | None
    currency: str
    calendar: ReviewCalendar

    def money(self, minor: int) -> str:
        return amount_text(minor, self.currency)

    def day(self, at: datetime) -> str:
        return day_text(at, self.calendar)


def explain(facts: TierFacts) -> list[Sentence]:
    """The sentences in the order in which they are read."""
    held = facts.standing.held
    rank = facts.rules.rank(held.tier)
    since = facts.day(held.since)
    sentences = [
        Sentence("held", f"The tier is {held.tier} since {since}.", f"客户等级自 {since} 起为 {held.tier}。"),
        _REASONS[facts.change.reason](facts, facts.change),
        Sentence(
            "value",
            f"The margin of the last {facts.rules.window_days} days is {facts.money(facts.seen.value_minor)} today.",
            f"今天，最近 {facts.rules.window_days} 天的毛利为 {facts.money(facts.seen.value_minor)}。",
        ),
    ]
    if facts.standing.override is not None:
        until = facts.day(facts.standing.override.until)
        sentences.append(
            Sentence(
                "override",
                f"A person's decision holds the tier until {until}; after that it is judged by the margin again.",
                f"该等级由人工决定保持至 {until}；此后重新按毛利评定。",
            )
        )
    else:
        sentences.append(_outlook(facts))
        if rank is not None and rank + 1 < len(facts.rules.tiers):
            upper = facts.rules.tiers[rank + 1]
            price = facts.money(upper.threshold_minor)
            sentences.append(
                Sentence(
                    "next_tier",
                    f"At {price} the tier becomes {upper.name} at once.",
                    f"毛利达到 {price} 时立即升为 {upper.name}。",
                )
            )
    if facts.waits_for_version is not None:
        sentences.append(
            Sentence(
                "held_back",
                f"Version {facts.waits_for_version} of the rules is in force, but a limit on how many tiers "
                f"a change may question keeps this customer under version {facts.rules.version} for now.",
                f"规则第 {facts.waits_for_version} 版已生效，但因规则变更影响人数的上限，"
                f"该客户暂按第 {facts.rules.version} 版评定。",
            )
        )
    return [*sentences, _BASIS, _CONTEST]


_BASIS = Sentence(
    "basis",
    "Only purchases, refunds and their dates count; no personal attribute does. "
    "The tier gives service, never a price, and urgent cases and complaints come first whatever the tier.",
    "评定只依据购买、退款及其日期，不使用任何个人属性。等级只影响服务，不影响价格；紧急问题和投诉不论等级一律优先。",
)
_CONTEST = Sentence(
    "contest",
    "The customer may contest the tier; a person then reviews it.",
    "客户可以对等级提出异议，由人工复核。",
)


def _initial(facts: TierFacts, change: TierChange) -> Sentence:
    return Sentence("initial", "Every customer begins on the floor tier.", "每位客户都从基础等级开始。")


def _promotion(facts: TierFacts, change: TierChange) -> Sentence:
    value, threshold = facts.money(change.value_minor), facts.money(change.threshold_minor)
    return Sentence(
        "promotion",
        f"The margin reached {value}, and {change.tier} begins at {threshold} (rules version {change.rule_version}).",
        f"毛利达到 {value}，而 {change.tier} 的门槛为 {threshold}（规则第 {change.rule_version} 版）。",
    )


def _demotion(facts: TierFacts, change: TierChange) -> Sentence:
    value, keeps = facts.money(change.value_minor), facts.money(change.threshold_minor)
    return Sentence(
        "demotion",
        f"After a warning the margin was {value}; {keeps} would have kept {change.previous_tier} "
        f"(rules version {change.rule_version}).",
        f"预警期满时毛利为 {value}，保持 {change.previous_tier} 需要 {keeps}（规则第 {change.rule_version} 版）。",
    )


def _correction(facts: TierFacts, change: TierChange) -> Sentence:
    return Sentence(
        "correction",
        f"A refund or correction took back what had earned {change.previous_tier}.",
        f"退款或更正撤销了获得 {change.previous_tier} 所依据的购买。",
    )


def _rule_change(facts: TierFacts, change: TierChange) -> Sentence:
    return Sentence(
        "rule_change",
        f"Version {change.rule_version} of the rules no longer has {change.previous_tier}; "
        f"{change.tier} takes its place.",
        f"规则第 {change.rule_version} 版不再设 {change.previous_tier}，由 {change.tier} 取代。",
    )


def _override(facts: TierFacts, change: TierChange) -> Sentence:
    on = facts.day(change.effective_at)
    return Sentence(
        "decided_by_person",
        f"A person decided on {change.tier} on {on}, in place of {change.previous_tier}.",
        f"{on} 由人工决定将 {change.previous_tier} 调整为 {change.tier}。",
    )


_REASONS: dict[TierReason, Callable[[TierFacts, TierChange], Sentence]] = {
    "initial": _initial,
    "promotion": _promotion,
    "demotion": _demotion,
    "correction": _correction,
    "rule_change": _rule_change,
    "override": _override,
}


def _outlook(facts: TierFacts) -> Sentence:
    seen, tier = facts.seen, facts.standing.held.tier
    keeps = facts.money(seen.keeps_at_value_minor or 0)
    if seen.warned_at is not None and seen.demotes_at is not None:
        missing, by = facts.money(seen.shortfall_minor), facts.day(seen.demotes_at)
        return Sentence(
            "warned",
            f"It was warned on {facts.day(seen.warned_at)}: {keeps} keeps {tier}, {missing} is missing today; "
            f"otherwise the tier becomes {seen.next_tier} on {by}.",
            f"已于 {facts.day(seen.warned_at)} 预警：保持 {tier} 需要 {keeps}，今天还差 {missing}；"
            f"否则将于 {by} 降为 {seen.next_tier}。",
        )
    if seen.expected_warning_at is not None:
        on = facts.day(seen.expected_warning_at)
        return Sentence(
            "expected",
            f"{keeps} keeps {tier}; if nothing else is bought, a warning comes on {on}.",
            f"保持 {tier} 需要 {keeps}；若不再购买，将于 {on} 收到预警。",
        )
    if seen.state == "floor":
        return Sentence(
            "floor",
            f"{tier} is the floor: it cannot be lost.",
            f"{tier} 是基础等级，不会再降。",
        )
    return Sentence(
        "safe",
        f"{keeps} keeps {tier}, and the purchases of today leave nothing short.",
        f"保持 {tier} 需要 {keeps}；目前的购买足以保持。",
    )
