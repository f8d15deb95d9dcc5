"""Scores and judgements as sentences that a manager reads, English and Chinese."""

from services.valuation.domain.indicators.ahp import Judgement
from services.valuation.domain.indicators.score import Contribution, Score
from services.valuation.domain.indicators.sources import Unit

# From this share of all customers on, being level with them is worth saying.
WORTH_SAYING = 0.1
_THAN = {True: ("more than", "高于"), False: ("less than", "低于")}
# Decimals of currencies that do not have two (ISO 4217).
_DECIMALS = {
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "ISK": 0,
    "BHD": 3,
    "JOD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
}


def doubtful_judgement(judgement: Judgement, item: str, other: str) -> tuple[str, str]:
    """What to think again about."""
    given, fits = _ratio(judgement.given), str(judgement.suggested)
    return (
        f"{item} was judged {given} times as important as {other}; the other judgements suggest {fits}",
        f"您判断 {item} 的重要性是 {other} 的 {given} 倍；其余判断对应 {fits} 倍",
    )


def contribution(one: Contribution, currency: str) -> tuple[str, str]:
    """One indicator's part of the score."""
    points, most = f"{one.points:.1f}", f"{one.most_points:.1f}"
    source = one.source
    if one.place is None or one.value is None:
        why, why_zh = source.unknown, source.unknown_zh
        if one.missing == "too_few":
            why, why_zh = "too few customers to compare with", "可比客户过少"
        return (
            f"{source.label}: {why}, so it counts as neutral ({points} of at most {most} points)"
            " and lowers the coverage.",
            f"{source.label_zh}：{why_zh}，按中性计 {points} 分（满分 {most} 分），并降低数据覆盖率。",
        )
    figure, figure_zh = _figure(one.value, source.unit, currency)
    compared, compared_zh = _compared(one)
    return (
        f"{source.label}: {figure}, {compared}; {points} of at most {most} points.",
        f"{source.label_zh}：{figure_zh}，{compared_zh}；得 {points} 分（满分 {most} 分）。",
    )


def summary(found: Score) -> tuple[str, str]:
    """The score in one breath: points, coverage, what helps most and what holds back most."""
    said = [f"{found.points:.1f} of 100 points, from {found.coverage:.0%} of the weight."]
    said_zh = [f"得分 {found.points:.1f}（满分 100），数据覆盖率 {found.coverage:.0%}。"]
    best = max(found.contributions, key=lambda one: one.lead)
    worst = min(found.contributions, key=lambda one: one.lead)
    if best.lead > 0:
        said.append(f"What helps most: {_lowered(best.source.label)}.")
        said_zh.append(f"主要加分项：{best.source.label_zh}。")
    if worst.lead < 0:
        said.append(f"What holds back most: {_lowered(worst.source.label)}.")
        said_zh.append(f"主要减分项：{worst.source.label_zh}。")
    return " ".join(said), "".join(said_zh)


def money(minor: float, currency: str) -> str:
    """`USD 1,234.50` from minor units."""
    decimals = _DECIMALS.get(currency, 2)
    return f"{currency} {minor / 10**decimals:,.{decimals}f}"


def _compared(one: Contribution) -> tuple[str, str]:
    assert one.place is not None
    is_more = one.indicator.direction == "higher"
    behind = one.place.below if is_more else one.place.above
    if one.place.level < WORTH_SAYING:
        return _ahead(behind, is_more)
    level, level_zh = (
        f"the same as about {one.place.level:.0%} of customers",
        f"与约 {one.place.level:.0%} 的客户相同",
    )
    if behind < WORTH_SAYING / 2:
        return level, level_zh
    than, than_zh = _THAN[is_more]
    return f"{level} and {than} about {behind:.0%}", f"{level_zh}，{than_zh}约 {behind:.0%} 的客户"


def _ahead(behind: float, is_more: bool) -> tuple[str, str]:
    if round(behind, 2) == 0:
        end, end_zh = ("lowest", "最低") if is_more else ("highest", "最高")
        return f"among the {end} of all customers", f"处于全部客户的{end_zh}水平"
    than, than_zh = _THAN[is_more]
    if round(behind, 2) == 1:
        return f"{than} nearly all customers", f"{than_zh}几乎所有客户"
    return f"{than} about {behind:.0%} of customers", f"{than_zh}约 {behind:.0%} 的客户"


def _figure(value: float, unit: Unit, currency: str) -> tuple[str, str]:
    if unit == "money":
        amount = money(value, currency)
        return amount, amount
    if unit == "days":
        return f"{value:.0f} day{'' if round(value) == 1 else 's'}", f"{value:.0f} 天"
    if unit == "share":
        return f"{value:.0%}", f"{value:.0%}"
    if unit == "csat":
        return f"{value:.1f} of 5", f"{value:.1f} 分（5 分制）"
    if unit == "nps":
        return f"{value:.1f} of 10", f"{value:.1f} 分（10 分制）"
    return f"{value:.0f}", f"{value:.0f}"


def _ratio(judgement: float) -> str:
    if judgement >= 1:
        return f"{judgement:g}"
    whole = round(1 / judgement)
    return f"1/{whole}" if abs(whole * judgement - 1) < 1e-9 else f"{judgement:.2f}"


def _lowered(label: str) -> str:
    return label[0].lower() + label[1:]
