"""What makes an insight: pure decisions on figures, each with the facts that its reason is written from.

A finding's `cause` names what it was found on, so that the same thing is never suggested twice. Facts hold
figures, dates and references only.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil
from typing import Any, Literal
from uuid import UUID

from services.valuation.domain.insights.rules import InsightKind, InsightRules
from services.valuation.domain.profile.important_dates import ImportantDate
from services.valuation.domain.rfm import Rfm
from services.valuation.domain.tiers import TierRules

# Between two looks at a customer who is not due: half the silence so far, within these bounds.
MOST_DAYS_UNSEEN = 30


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that somebody should act on."""

    kind: InsightKind
    customer_id: UUID
    cause: str
    facts: dict[str, Any] = field(default_factory=dict)


def churn_risk_rose(
    customer_id: UUID, before: float | None, now: float | None, on: date, rules: InsightRules
) -> Finding | None:
    """P(alive), a probability, fell by at least `churn_drop` to below `churn_below`. None without two scores."""
    if before is None or now is None or before - now < rules.churn_drop or now >= rules.churn_below:
        return None
    return Finding(
        "churn_risk_rose",
        customer_id,
        f"score:{customer_id}:{on.isoformat()}",
        {"p_alive_before": round(before, 4), "p_alive": round(now, 4)},
    )


def overdue_on(rfm: Rfm, rules: InsightRules, expected_on: date | None = None) -> date | None:
    """The first day on which the next purchase is overdue if none comes before; None where nothing is usual.

    Silence of `overdue_factor` usual intervals (mean days between purchase days); or as many of the expected
    wait, where a model says when the next purchase is due (`expected_on`).
    """
    if rfm.last_day is None:
        return None
    if expected_on is not None and expected_on > rfm.last_day:
        usual = float((expected_on - rfm.last_day).days)
    elif rfm.repeat_count >= rules.overdue_min_repeats:
        usual = rfm.recency_days / rfm.repeat_count
    else:
        return None
    return rfm.last_day + timedelta(days=ceil(rules.overdue_factor * usual))


def purchase_overdue(
    customer_id: UUID, rfm: Rfm, today: date, rules: InsightRules, expected_on: date | None = None
) -> Finding | None:
    """The next purchase is overdue today; found once for each last purchase."""
    due = overdue_on(rfm, rules, expected_on)
    if due is None or rfm.last_day is None or today < due:
        return None
    facts: dict[str, Any] = {
        "last_purchase_on": rfm.last_day.isoformat(),
        "silent_days": (today - rfm.last_day).days,
    }
    if rfm.repeat_count:
        facts["usual_days"] = round(rfm.recency_days / rfm.repeat_count, 1)
    if expected_on is not None and expected_on > rfm.last_day:
        facts["expected_on"] = expected_on.isoformat()
    return Finding(
        "purchase_overdue", customer_id, f"purchase:{customer_id}:{rfm.last_day.isoformat()}", facts
    )


def next_look_on(
    rfm: Rfm, registered_on: date, today: date, rules: InsightRules, expected_on: date | None = None
) -> date:
    """When to look at a customer's purchases again: on the day that would be overdue, or after half the silence
    so far (1 to 30 days), whichever is earlier.

    So nobody has to be told of purchases, and a customer who fell silent long ago costs a look a month.
    """
    silent = (today - (rfm.last_day or registered_on)).days
    look = today + timedelta(days=min(MOST_DAYS_UNSEEN, max(1, silent // 2)))
    due = overdue_on(rfm, rules, expected_on)
    return look if due is None or due <= today else min(look, due)


def date_near(one: ImportantDate, today: date) -> Finding | None:
    """The date's next occurrence is to be told of; None when it has passed unseen."""
    occurs_on = one.announced
    if occurs_on < today:
        return None
    english, chinese = one.when.words()
    return Finding(
        "important_date_near",
        one.customer_id,
        f"date:{one.id}:{occurs_on.isoformat()}",
        {"date_kind": one.kind, "occurs_on": occurs_on.isoformat(), "said": english, "said_zh": chinese},
    )


def low_satisfaction(
    case: Literal["ticket", "complaint"],
    case_id: UUID,
    customer_id: UUID,
    rules: InsightRules,
    *,
    csat: int | None = None,
    nps: int | None = None,
    satisfied: bool | None = None,
) -> Finding | None:
    """An answer after a ticket or complaint is bad: CSAT (1-5), NPS (0-10), or "not satisfied"."""
    is_low = (
        (csat is not None and csat <= rules.csat_at_most)
        or (nps is not None and nps <= rules.nps_at_most)
        or satisfied is False
    )
    if not is_low:
        return None
    facts = {"case": case, "case_id": str(case_id), "csat": csat, "nps": nps}
    return Finding("low_satisfaction", customer_id, f"{case}:{case_id}", facts)


def complaint_on_top_tier(
    complaint_id: UUID, customer_id: UUID, tier: str, tiers: TierRules, rules: InsightRules
) -> Finding | None:
    """A complaint was received from an account on one of the top tiers."""
    rank = tiers.rank(tier)
    if rank is None or rank == 0 or rank < len(tiers.tiers) - rules.top_tiers:
        return None
    return Finding(
        "complaint_on_top_tier",
        customer_id,
        f"complaint:{complaint_id}",
        {"case": "complaint", "case_id": str(complaint_id), "tier": tier},
    )
