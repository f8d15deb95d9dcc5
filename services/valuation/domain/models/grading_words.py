"""A grade as a JSON document, with what it means in English and Chinese."""

from dataclasses import asdict
from typing import Any, Final

from services.valuation.domain.models.fitting import Fit
from services.valuation.domain.models.grading import CAPTURE, LARGEST_GROUP, Captures, Grade, Total

_GRADES: Final = {
    "A": (
        "Grade A: totals and groups of customers can be planned with.",
        "A 级：总量和分组预测可用于计划。",
    ),
    "B": (
        "Grade B: compare groups of customers with it; add a margin for error to every total.",
        "B 级：可用于比较客户群，使用总量时须留余量。",
    ),
    "C": (
        "Grade C: do not plan with this forecast; rank customers by past spend.",
        "C 级：不宜用于计划，请按历史消费排序。",
    ),
    None: (
        "No grade: there are not enough data to tell how good the forecast is.",
        "暂不评级：数据不足，无法判断预测的好坏。",
    ),
}


def document_of(graded: Grade) -> dict[str, Any]:
    """Everything in it as JSON values: finite numbers, texts and nulls."""
    return {
        "grade": graded.letter,
        "words": sentences(graded),
        "words_zh": sentences_zh(graded),
        "reasons": [
            {
                "code": one.shortage.value,
                "found": one.found,
                "needed": one.needed,
                "sentence": one.sentence,
                "sentence_zh": one.sentence_zh,
            }
            for one in graded.reasons
        ],
        "criteria": [
            {
                "name": one.name,
                "figure": one.figure,
                "limit_a": one.limits.a,
                "limit_b": one.limits.b,
                "grade": one.letter,
            }
            for one in graded.criteria
        ],
        "customers": graded.customers,
        "repeaters": graded.repeaters,
        "history_days": graded.history_days,
        "horizon": graded.horizon,
        "capture": None if graded.capture is None else asdict(graded.capture),
        "purchases": _total(graded.purchases),
        "spend": _total(graded.spent),
        "calibration": None if graded.calibration is None else asdict(graded.calibration),
        "buying_model": _fit(graded.buying),
        "spend_model": _fit(graded.spend),
    }


def sentences(graded: Grade) -> list[str]:
    """What a manager should know, the grade first."""
    said = [_GRADES[graded.letter][0], *(reason.sentence for reason in graded.reasons)]
    if graded.capture is not None:
        said.append(_ranking(graded.capture))
    if graded.calibration is not None:
        better = graded.calibration.model < graded.calibration.past_rate
        said.append(
            f"{'The gain is calibration' if better else 'There is no gain in calibration'}: in groups of customers "
            f"with equally many purchases the model misses {graded.calibration.model:.0%} of all purchases, the rate "
            f"so far, continued, {graded.calibration.past_rate:.0%}."
        )
    if graded.purchases is not None:
        said.append(
            f"It expected {graded.purchases.model:,.0f} purchases where {graded.purchases.actual:,.0f} came; "
            f"the rate so far, continued, {graded.purchases.past_rate:,.0f}."
        )
    return said


def sentences_zh(graded: Grade) -> list[str]:
    """The same in Chinese."""
    said = [_GRADES[graded.letter][1], *(reason.sentence_zh for reason in graded.reasons)]
    if graded.capture is not None:
        said.append(_ranking_zh(graded.capture))
    if graded.calibration is not None:
        better = graded.calibration.model < graded.calibration.past_rate
        said.append(
            f"{'模型的好处在于校准' if better else '模型的校准并无改善'}：按购买次数分组，模型的误差占全部购买的 "
            f"{graded.calibration.model:.0%}，按以往频率推算的误差为 {graded.calibration.past_rate:.0%}。"
        )
    if graded.purchases is not None:
        said.append(
            f"模型预计购买 {graded.purchases.model:,.0f} 次，实际 {graded.purchases.actual:,.0f} 次；"
            f"按以往频率推算为 {graded.purchases.past_rate:,.0f} 次。"
        )
    return said


def _ranking(capture: Captures) -> str:
    figures = (
        f"the best fifth by past spend brought {capture.past_spend:.1%} of what was spent later, "
        f"the best fifth by the model {capture.model:.1%}"
    )
    if abs(capture.model - capture.past_spend) <= CAPTURE.a:
        return f"Ranking by past spend alone is as good: {figures}."
    ahead = "The model ranks" if capture.model > capture.past_spend else "Past spend ranks"
    return f"{ahead} better: {figures}."


def _ranking_zh(capture: Captures) -> str:
    figures = (
        f"按历史消费选出的前五分之一客户贡献了后来消费的 {capture.past_spend:.1%}，"
        f"按模型选出的贡献了 {capture.model:.1%}"
    )
    if abs(capture.model - capture.past_spend) <= CAPTURE.a:
        return f"仅按历史消费排序效果相当：{figures}。"
    ahead = "模型" if capture.model > capture.past_spend else "历史消费"
    return f"{ahead}排序更好：{figures}。"


def _total(total: Total | None) -> dict[str, float | None] | None:
    return None if total is None else {**asdict(total), "ratio": total.ratio}


def _fit(fitted: Fit | None) -> dict[str, Any] | None:
    if fitted is None:
        return None
    return {
        "model": fitted.model,
        "asked": fitted.asked,
        "parameters": None if fitted.parameters is None else fitted.parameters.as_dict(),
        "converged": fitted.converged,
        "warnings": list(fitted.warnings),
    }


def group_name(frequency: int) -> str:
    """How a group of `Calibration` is called: its repeat purchases."""
    return f"{frequency}+" if frequency == LARGEST_GROUP else str(frequency)
