"""Insight rules: versioned figures that decide when something is suggested, to whom, and by when."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from services.valuation.domain.insights.errors import InsightRulesInvalidError
from shared.kernel.errors import FieldError

InsightKind = Literal[
    "churn_risk_rose",
    "purchase_overdue",
    "important_date_near",
    "low_satisfaction",
    "complaint_on_top_tier",
]
KINDS: tuple[InsightKind, ...] = get_args(InsightKind)

# Who was let down is helped, always: nobody is held back for the sake of a comparison.
RECOVERY: frozenset[InsightKind] = frozenset({"low_satisfaction", "complaint_on_top_tier"})

LARGEST_CONTROL_SHARE = 0.5
LONGEST_LEAD_DAYS = 90
LONGEST_DAYS = 365


@dataclass(frozen=True, slots=True)
class KindRule:
    """What happens with one kind: who is asked, how many days they have, and when it is too late."""

    owner: str = "account_manager"
    due_days: int = 7
    expires_days: int = 30
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class InsightRules:
    """One version.

    control_share        share of customers, a kind, that is held back to see whether acting helps (0 to 0.5)
    control_seed         changing it draws the control group anew
    churn_drop           P(alive) fell by at least so much …
    churn_below          … to below this
    churn_quiet_days     and no such insight was raised for so long
    overdue_factor       silence since the last purchase, in usual intervals between purchase days
    overdue_min_repeats  so many repeat days make an interval usual
    date_lead_days       so long before an important date
    csat_at_most         an answer of 1 to 5 at or below this is low satisfaction
    nps_at_most          an answer of 0 to 10 at or below this is, too (6: detractors)
    top_tiers            how many tiers, from the highest down, are top tiers; the floor never is
    """

    version: int
    control_share: float = 0.1
    control_seed: str = "1"
    churn_drop: float = 0.2
    churn_below: float = 0.5
    churn_quiet_days: int = 56
    overdue_factor: float = 2.0
    overdue_min_repeats: int = 2
    date_lead_days: int = 7
    csat_at_most: int = 2
    nps_at_most: int = 6
    top_tiers: int = 1
    kinds: dict[InsightKind, KindRule] = field(default_factory=lambda: dict.fromkeys(KINDS, KindRule()))

    def __post_init__(self) -> None:
        """Raises `InsightRulesInvalidError`."""
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise _invalid(name, f"{name} lies between {least} and {most}")
        if set(self.kinds) != set(KINDS):
            raise _invalid("kinds", f"there is one rule for each of {', '.join(KINDS)}")
        for kind, rule in self.kinds.items():
            if not 0 <= rule.due_days <= rule.expires_days <= LONGEST_DAYS:
                raise _invalid(
                    f"kinds.{kind}.due_days", f"due before it expires, within {LONGEST_DAYS} days at most"
                )

    def document(self) -> dict[str, Any]:
        """All but the version, as JSON."""
        plain = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _NOT_PLAIN}
        return plain | {
            "kinds": {
                kind: {one.name: getattr(rule, one.name) for one in fields(rule)}
                for kind, rule in self.kinds.items()
            }
        }


def rules_of(version: int, document: dict[str, Any]) -> InsightRules:
    """The rules in a stored document."""
    kinds = {kind: KindRule(**rule) for kind, rule in document["kinds"].items()}
    return InsightRules(version, **document | {"kinds": kinds})


_NOT_PLAIN = frozenset({"version", "kinds"})
_RANGES: dict[str, tuple[float, float]] = {
    "control_share": (0, LARGEST_CONTROL_SHARE),
    "churn_drop": (0, 1),
    "churn_below": (0, 1),
    "churn_quiet_days": (0, LONGEST_DAYS),
    "overdue_factor": (1, 100),
    "overdue_min_repeats": (1, 1000),
    "date_lead_days": (0, LONGEST_LEAD_DAYS),
    "csat_at_most": (0, 5),
    "nps_at_most": (-1, 10),
    "top_tiers": (0, 20),
}


def _invalid(name: str, message: str) -> InsightRulesInvalidError:
    return InsightRulesInvalidError(message, field_errors=[FieldError(name, "range", message)])
