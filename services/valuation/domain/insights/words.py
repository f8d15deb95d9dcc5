"""Insights in words: why, and what to do, in English and Chinese, written from an insight's facts."""

from collections.abc import Callable, Mapping
from typing import Any

from services.valuation.domain.insights.rules import InsightKind

Words = tuple[str, str]
"""English, Chinese."""

_DATE_KINDS: Mapping[str, Words] = {
    "birthday": ("Birthday", "生日"),
    "anniversary": ("Anniversary", "纪念日"),
    "founding_day": ("Founding day", "成立日"),
    "contract_renewal": ("Contract renewal", "合同续签日"),
    "festival": ("Festival", "节日"),
    "other": ("Important date", "重要日期"),
}
_CASES: Mapping[str, Words] = {"ticket": ("a request", "工单"), "complaint": ("a complaint", "投诉")}

_ACTIONS: Mapping[InsightKind, Words] = {
    "churn_risk_rose": (
        "Call and ask what has changed; offer help with what they use.",
        "致电了解变化原因，并就其在用的服务提供帮助。",
    ),
    "purchase_overdue": (
        "Get in touch and ask whether they need anything.",
        "主动联系，询问是否有新的需求。",
    ),
    "important_date_near": (
        "Prepare a greeting, and send it on the channel that they prefer.",
        "准备祝福，并通过客户偏好的渠道送达。",
    ),
    "low_satisfaction": (
        "Call back within the due date, listen, and put right what went wrong.",
        "在期限内回电，倾听意见并弥补不足。",
    ),
    "complaint_on_top_tier": (
        "Let the account's manager call in person and follow the complaint to its end.",
        "由客户经理亲自致电，并跟进投诉直至解决。",
    ),
}


def action(kind: InsightKind) -> Words:
    """What is suggested."""
    return _ACTIONS[kind]


def reason(kind: InsightKind, facts: Mapping[str, Any]) -> Words:
    """Why it is suggested."""
    return _REASONS[kind](facts)


def _churn(facts: Mapping[str, Any]) -> Words:
    before, now = f"{facts['p_alive_before']:.0%}", f"{facts['p_alive']:.0%}"
    return (
        f"The probability that they are still a customer fell from {before} to {now}.",
        f"客户仍然活跃的概率从{before}降至{now}。",
    )


def _overdue(facts: Mapping[str, Any]) -> Words:
    silent, last = facts["silent_days"], facts["last_purchase_on"]
    if "expected_on" in facts:
        expected = facts["expected_on"]
        return (
            f"The next purchase was expected on {expected}; the last one was {silent} days ago, on {last}.",
            f"预计{expected}再次购买；上次购买在{last}，已过{silent}天。",
        )
    usual = facts["usual_days"]
    return (
        f"They buy every {usual:g} days as a rule; the last purchase was {silent} days ago, on {last}.",
        f"客户通常每{usual:g}天购买一次；上次购买在{last}，已过{silent}天。",
    )


def _date(facts: Mapping[str, Any]) -> Words:
    english, chinese = _DATE_KINDS[facts["date_kind"]]
    return (
        f"{english} ({facts['said']}) falls on {facts['occurs_on']}.",
        f"{chinese}（{facts['said_zh']}）为{facts['occurs_on']}。",
    )


def _unsatisfied(facts: Mapping[str, Any]) -> Words:
    english, chinese = _CASES[facts["case"]]
    if facts["csat"] is None and facts["nps"] is None:
        return f"They were not satisfied after {english}.", f"客户对{chinese}的处理结果不满意。"
    given = [f"CSAT {facts['csat']}/5"] if facts["csat"] is not None else []
    given += [f"NPS {facts['nps']}/10"] if facts["nps"] is not None else []
    return (
        f"They answered {' and '.join(given)} after {english}.",
        f"客户在{chinese}结束后的回访中评分为{'、'.join(given)}。",
    )


def _complaint(facts: Mapping[str, Any]) -> Words:
    return (
        f"A complaint came in from an account on tier {facts['tier']}.",
        f"{facts['tier']}等级客户提出了投诉。",
    )


_REASONS: Mapping[InsightKind, Callable[[Mapping[str, Any]], Words]] = {
    "churn_risk_rose": _churn,
    "purchase_overdue": _overdue,
    "important_date_near": _date,
    "low_satisfaction": _unsatisfied,
    "complaint_on_top_tier": _complaint,
}
