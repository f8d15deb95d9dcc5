"""See in what ticketing and complaints report whether somebody should act: a bad answer, a top account's complaint."""

from services.valuation.domain.insights.findings import Finding, complaint_on_top_tier, low_satisfaction
from services.valuation.domain.insights.rules import InsightRules
from services.valuation.persistence import customers, insight_rules, service_cases, standings, tier_rules
from services.valuation.usecases.note_service_case import (
    NoteCaseOpened,
    NoteFollowUp,
    NoteSatisfaction,
    NoteServiceCase,
)
from services.valuation.usecases.raise_insights import raise_insights
from shared.db.work import Work


async def notice_service_case(command: NoteServiceCase, work: Work) -> None:
    """After the note is taken: raise what follows from it. The same report again raises nothing new."""
    match command:
        case NoteFollowUp() | NoteSatisfaction() | NoteCaseOpened(kind="complaint"):
            rules = await insight_rules.in_force(work)
            finding = await _finding(command, work, rules)
            if finding is not None:
                await raise_insights([finding], work, rules)
        case _:
            return


async def _finding(
    command: NoteFollowUp | NoteSatisfaction | NoteCaseOpened, work: Work, rules: InsightRules
) -> Finding | None:
    match command:
        case NoteFollowUp(case_id, customer_id, csat, nps):
            return low_satisfaction("ticket", case_id, customer_id, rules, csat=csat, nps=nps)
        case NoteSatisfaction(case_id, satisfied):
            owner = await service_cases.customer_of(work, "complaint", case_id)
            if owner is None:
                return None
            return low_satisfaction("complaint", case_id, owner, rules, satisfied=satisfied)
        case NoteCaseOpened(_, case_id, customer_id, _):
            if customer_id is None:
                return None
            account = (await customers.resolve(work, [customer_id], []))[0].get(customer_id)
            standing = None if account is None else await standings.find(work, account)
            if standing is None:
                return None
            tiers = await tier_rules.in_force(work, work.now)
            return complaint_on_top_tier(case_id, standing.id, standing.held.tier, tiers, rules)
