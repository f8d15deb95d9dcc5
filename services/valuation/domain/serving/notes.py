"""What a reader of a score must know, in words: why there is none, or what it rests on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.valuation.domain.models.beta_geometric import BgNbd


@dataclass(frozen=True, slots=True)
class Note:
    """One remark, English and Chinese."""

    code: str
    words: str
    words_zh: str


NO_MODEL: Final = Note(
    "no_model",
    "Not scored: no model has passed its checks yet, because there is not enough data or no refit has run.",
    "尚未评估：还没有模型通过检查（数据不足或尚未拟合）。",
)
NEVER_BOUGHT: Final = Note(
    "never_bought",
    "Not scored: this customer has bought nothing yet.",
    "尚未评估：该客户尚未购买。",
)
ONE_PURCHASE_DAY: Final = Note(
    "one_purchase_day",
    "Purchases on one day only: the figures are those of customers like this one, not this one's own habit.",
    "仅有一天的购买记录：数据反映同类客户，而非该客户自身习惯。",
)
ALIVE_BY_ASSUMPTION: Final = Note(
    "alive_by_assumption",
    "BG/NBD takes everybody who bought once for alive; read p_alive = 1 as not known.",
    "BG/NBD 假定仅购买一次的客户必然活跃；活跃概率为 1 应视为未知。",
)
HELD_NEAR_TYPICAL: Final = Note(
    "held_near_typical",
    "There are few customers, so the model is held near typical parameters.",
    "客户较少，模型参数保持在典型值附近。",
)
OWN_AVERAGE_SPEND: Final = Note(
    "own_average_spend",
    "No spend model carries the data: the customer's own average spend so far is taken.",
    "支出模型不适用：采用该客户迄今的平均消费。",
)
DEFAULT_MARGIN_RATE: Final = Note(
    "default_margin_rate",
    "Nothing was spent so far, so the default margin rate is taken.",
    "迄今没有消费金额，采用默认毛利率。",
)


def of_score(
    model: str, method: str, *, purchase_days: int, has_spend_model: bool, has_spent: bool
) -> Iterator[Note]:
    """The remarks on a score by a fit of `model` found by `method`."""
    if purchase_days == 1:
        yield ONE_PURCHASE_DAY
        if model == BgNbd.NAME:
            yield ALIVE_BY_ASSUMPTION
    if method.startswith(("typical", "pooled")):
        yield HELD_NEAR_TYPICAL
    if not has_spend_model:
        yield OWN_AVERAGE_SPEND
    if not has_spent:
        yield DEFAULT_MARGIN_RATE
