"""The held-back control group: who is left alone, so that acting can be compared with not acting."""

from hashlib import sha256
from uuid import UUID

from services.valuation.domain.insights.rules import RECOVERY, InsightKind, InsightRules


def is_held_back(customer_id: UUID, kind: InsightKind, rules: InsightRules) -> bool:
    """Whether this customer belongs to the control group of this kind.

    Decided by a hash of seed, kind and customer: the same at every time and in every process, independent
    between kinds, and `control_share` of all customers. Never for recovery after a complaint or a bad answer.
    """
    if kind in RECOVERY:
        return False
    digest = sha256(f"{rules.control_seed}:{kind}:{customer_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < rules.control_share * 2**64
