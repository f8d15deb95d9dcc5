"""The best service level as sentences that a manager reads, English and Chinese."""

from services.valuation.domain.indicators.words import money
from services.valuation.domain.values.service_level import FEWEST_CUSTOMERS, Best, Level, LevelSums

_NAMES: dict[Level, tuple[str, str]] = {
    "none": ("no service", "无服务成本"),
    "low": ("the low level", "低服务水平"),
    "middle": ("the middle level", "中等服务水平"),
    "high": ("the high level", "高服务水平"),
    "new": ("new customers", "新客户"),
    "unpriced": ("customers with unpriced cases", "部分服务未计价的客户"),
}
_CAUTION = (
    "Customers were not put on a level by chance (who buys more also asks more):"
    " try it on a part of the tier before it becomes the rule."
)
_CAUTION_ZH = "客户的服务水平并非随机分配（消费多者往往需求也多）；推广之前，请先在部分客户中试行。"


def best_words(best: Best, currency: str) -> tuple[str, str]:
    """Where value less cost is best, whether that is certain, and what it does not say."""
    level = best.level
    if level is None:
        return (
            f"No two levels have {FEWEST_CUSTOMERS} customers each, so none can be called best.",
            f"每个水平至少需 {FEWEST_CUSTOMERS} 位客户方可比较，目前无法判断最优服务水平。",
        )
    name, name_zh = _NAMES[level.level]
    net = money(level.net_a_year, currency)
    said = f"Value less cost is highest with {name}{_cost(level, currency)}: {net} a customer and year."
    said_zh = f"{name_zh}{_cost_zh(level, currency)}的价值减成本最高：每客户每年 {net}。"
    if best.verdict == "clear":
        return (
            f"{said} It is clear of all other levels. {_CAUTION}",
            f"{said_zh}与其他水平差异显著。{_CAUTION_ZH}",
        )
    rivals = " and ".join(_NAMES[one.level][0] for one in best.rivals)
    rivals_zh = "、".join(_NAMES[one.level][1] for one in best.rivals)
    return (
        f"{said} The data do not tell it from {rivals}. {_CAUTION}",
        f"{said_zh}但与{rivals_zh}的差异不显著。{_CAUTION_ZH}",
    )


def _cost(level: LevelSums, currency: str) -> str:
    if level.level == "none":
        return ""
    return f" ({money(level.lowest, currency)} to {money(level.highest, currency)} of service a year)"


def _cost_zh(level: LevelSums, currency: str) -> str:
    if level.level == "none":
        return ""
    return f"（每年服务成本 {money(level.lowest, currency)} 至 {money(level.highest, currency)}）"
