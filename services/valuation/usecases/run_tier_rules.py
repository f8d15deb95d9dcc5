"""Take a version of the tier rules that has come into force to the customers, and endanger no more than the cap."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.valuation.domain.ledger import DayValue
from services.valuation.domain.standing import Standing
from services.valuation.domain.tiering.rule_change import (
    Effect,
    RuleBook,
    Tally,
    effect_of,
    most_endangered,
)
from services.valuation.domain.tiers import TierRules
from services.valuation.domain.window import opening_day
from services.valuation.persistence import standings, tier_rules, tier_runs, transactions
from services.valuation.persistence.tier_rules import StoredRules
from services.valuation.persistence.tier_runs import TierRun
from services.valuation.usecases.context import Valuation
from shared.db.work import Session, Work
from shared.kernel import failpoints
from shared.kernel.ids import new_id

BATCH_MOVED = failpoints.declare(
    "valuation.rule_batch_moved", "the batch rolls back and is looked at again from its first customer"
)


async def advance_run(work: Work, valuation: Valuation) -> int:
    """One bounded batch of the oldest run that is not done; how much was done, 0 without one (or another has it).

    First every customer is looked at in the order of the ids, and moved to the new version unless that would
    endanger the tier held. Then the endangered ones furthest short go on, up to the cap; the rest is held back.
    """
    stored = await tier_rules.lock_to_review(work, work.now)
    if stored is None:
        return 0
    in_force = await tier_rules.in_force(work, work.now)
    run = await tier_runs.lock_of_rules(work, stored.rules.version)
    if run is None:
        run = _opened(stored, work, valuation)
        await tier_runs.add(work, run)
    if stored.rules.version != in_force.version:
        # Its customers go to the later version from wherever they stand.
        await _finish(run, "superseded", work)
        return 1
    if run.state == "surveying":
        return await _survey(run, stored, work, valuation)
    run, done = await admit(run, stored.rules, work, valuation)
    if run.completed_at is not None:
        await tier_rules.advance(work, run.rule_version, stored.reviewed_through, work.now)
    return max(1, done)


async def admit(run: TierRun, rules: TierRules, work: Work, valuation: Valuation) -> tuple[TierRun, int]:
    """Let the next endangered customers go on, within what the run allows; the run as it is then, and how many."""
    wanted = min(valuation.batch_rows, run.allowed - run.admitted)
    ids = await tier_runs.furthest(work, run.rule_version, wanted) if wanted > 0 else []
    locked = list((await standings.lock_many(work, sorted(ids))).values())
    book = await tier_rules.book_of(work, locked, rules)
    today = valuation.ledger.calendar.day_of(work.now)
    days = await days_for(work, locked, book, today)
    for standing in locked:
        _move(standing, days[standing.id], book, work, valuation)
    await standings.save_many(work, locked)
    run = replace(
        run, admitted=run.admitted + await tier_runs.settle(work, run, ids), version=run.version + 1
    )
    if len(ids) < max(1, wanted):
        held = await tier_runs.count_waiting(work, run.rule_version)
        run = replace(run, state="completed", held=held, completed_at=work.now)
    await tier_runs.save(work, run)
    failpoints.hit(BATCH_MOVED)
    return run, len(ids)


async def days_for(
    session: Session, judged: Sequence[Standing], book: RuleBook, today: date
) -> dict[UUID, list[DayValue]]:
    """Days with purchases within the longest window of the rules in force and of those the standings have."""
    longest = max([book.in_force.window_days, *(book.of(one.rule_version).window_days for one in judged)])
    return await transactions.days_of(session, [one.id for one in judged], opening_day(today, longest))


def effect_on(standing: Standing, days: Sequence[DayValue], book: RuleBook, today: date) -> Effect:
    """What the rules in force do to a standing; `days` reach back at least as far as the windows compared."""
    before, after = book.of(standing.rule_version), book.in_force
    effect = effect_of(standing.held, before, after, _value(days, before, today), _value(days, after, today))
    if standing.override is None:
        return effect
    return replace(effect, kind="overridden", falls_to=None)


def _opened(stored: StoredRules, work: Work, valuation: Valuation) -> TierRun:
    return TierRun(
        id=new_id(),
        kind="rule_change",
        rule_version=stored.rules.version,
        state="surveying",
        cap=valuation.demotion_cap,
        started_at=work.now,
        started_by=stored.created_by,
    )


async def _survey(run: TierRun, stored: StoredRules, work: Work, valuation: Valuation) -> int:
    batch = await standings.lock_after(work, stored.reviewed_through, valuation.batch_rows)
    book = await tier_rules.book_of(work, batch, stored.rules)
    today = valuation.ledger.calendar.day_of(work.now)
    days = await days_for(work, batch, book, today)
    tally, endangered, moved = Tally(run.moves), {}, []
    for standing in batch:
        effect = effect_on(standing, days[standing.id], book, today)
        tally.add(standing.id, effect)
        if effect.kind == "endangered":
            endangered[standing.id] = effect
        elif standing.rule_version != run.rule_version:
            _move(standing, days[standing.id], book, work, valuation)
            moved.append(standing)
    await tier_runs.settle_older(work, run.rule_version, [one.id for one in batch])
    await tier_runs.note_candidates(work, run.rule_version, endangered)
    await standings.save_many(work, moved)
    run = replace(
        run, customers=run.customers + len(batch), moves=tuple(tally.moves), version=run.version + 1
    )
    if len(batch) < valuation.batch_rows:
        run = replace(run, state="admitting", allowed=most_endangered(run.customers, run.cap))
    await tier_runs.save(work, run)
    through = batch[-1].id if batch else stored.reviewed_through
    await tier_rules.advance(work, run.rule_version, through, None)
    failpoints.hit(BATCH_MOVED)
    return max(1, len(batch))


def _move(
    standing: Standing, days: Sequence[DayValue], book: RuleBook, work: Work, valuation: Valuation
) -> None:
    """Be judged by the rules in force from now on."""
    before, after, ledger = book.of(standing.rule_version), book.in_force, valuation.ledger
    standing.refresh_window(days, work.now, after, ledger)
    standing.adopt(before, after, work.now)
    inside = [day for day in days if day.day >= standing.window.opens_on]
    standing.judge(work.now, after, ledger, inside)


async def _finish(run: TierRun, state: tier_runs.RunState, work: Work) -> None:
    await tier_runs.save(work, replace(run, state=state, completed_at=work.now, version=run.version + 1))
    await tier_rules.advance(work, run.rule_version, None, work.now)


def _value(days: Sequence[DayValue], rules: TierRules, today: date) -> int:
    first = opening_day(today, rules.window_days)
    return sum(day.margin_minor for day in days if day.day >= first)
