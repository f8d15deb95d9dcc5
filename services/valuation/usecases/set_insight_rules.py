"""Set new insight rules."""

from dataclasses import replace

from services.valuation.domain.insights.rules import InsightRules
from services.valuation.persistence import insight_rules
from services.valuation.persistence.insight_rules import StoredInsightRules
from shared.db.work import Work


async def set_insight_rules(wanted: InsightRules, work: Work) -> StoredInsightRules:
    """The next version, in force at once; what was raised before keeps the version that raised it."""
    latest = await insight_rules.lock_latest(work)
    return await insight_rules.add(work, replace(wanted, version=latest.version + 1))
