"""Look for months whose error budget is spent and for budgets that burn fast, and say so: once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.sla.domain.availability.events import say_breached, say_burning
from services.sla.domain.availability.intervals import Interval
from services.sla.domain.availability.measurement import (
    MonthlyAvailability,
    Observations,
    burn,
    measure,
)
from services.sla.domain.availability.months import Month
from services.sla.domain.availability.objective import Objective, ObjectiveVersion
from services.sla.persistence import availability_store, outage_store
from shared.db.work import Session, Work
from shared.kernel import failpoints

AFTER_BREACH = failpoints.declare(
    "availability.after_breach",
    "the breach and its event roll back together, the objective is looked at again",
)
_JUST_AFTER = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class EvaluateObjectives:
    """limit          objectives in one transaction
    months         months of one objective in one transaction; the rest follows in the next
    check_seconds  how often burn rates are looked at while something lasts
    retry_seconds  how soon an objective that failed is looked at again
    """

    limit: int
    months: int
    check_seconds: float
    retry_seconds: float


async def evaluate_objectives(command: EvaluateObjectives, work: Work, only: UUID | None = None) -> int:
    """How many objectives were looked at; `only`: no other than this one."""
    if only is None:
        claimed = await availability_store.claim(work, command.limit)
    else:
        claimed = await availability_store.claim_one(work, only)
    for objective in claimed:
        evaluate_at = await _evaluate(command, objective, work)
        work.record(*objective.take_events())
        await availability_store.save(work, objective, evaluate_at=evaluate_at)
    return len(claimed)


async def postpone_objective(command: EvaluateObjectives, objective_id: UUID, work: Work) -> None:
    """It failed by itself: look at it later, so that it holds up nobody else."""
    look_at = work.now + timedelta(seconds=command.retry_seconds)
    await availability_store.postpone(work, objective_id, look_at)


async def month_of(
    session: Session, objective: Objective, month: Month, now: datetime, known_at: datetime
) -> MonthlyAvailability | None:
    """A month up to `now` by what was known at an instant; None when it is not measured."""
    found = objective.measured(month)
    if found is None:
        return None
    version, measured = found
    seen = await outage_store.observations(session, objective.offering, measured, version.probes, known_at)
    return measure(month, version, measured, seen, now)


async def _evaluate(command: EvaluateObjectives, objective: Objective, work: Work) -> datetime | None:
    """Breaches since it was looked at last, burn alerts; when to look again."""
    now, zone = work.now, objective.zone
    month, last = Month.of(min(objective.evaluated_until, now), zone), Month.of(now, zone)
    begins = Month.of(objective.versions[0].effective_from, zone)
    month = max(month, begins)
    for _ in range(command.months):
        if month > last:
            break
        found = await month_of(work, objective, month, now, now)
        if found is not None and found.breached_at is not None:
            is_first = await availability_store.add_breach(work, objective.id, found)
            if is_first:
                say_breached(objective, found, now)
                failpoints.hit(AFTER_BREACH)
        month = month.following()
    if month <= last:
        objective.evaluated_until = month.bounds(zone).start
        return now
    objective.evaluated_until = now
    return await _look_again(command, objective, work)


async def _look_again(command: EvaluateObjectives, objective: Objective, work: Work) -> datetime | None:
    """Raise and clear burn alerts. The next instant at which something may come about without a report."""
    now = work.now
    version = objective.version_at(now)
    times = [one.effective_from for one in objective.versions if one.effective_from > now]
    if version is None:
        return min(times, default=None)
    month = Month.of(now, objective.zone)
    end = month.bounds(objective.zone).end
    longest = max((rule.long_seconds for rule in version.burn_alerts), default=0)
    window = Interval(now - timedelta(seconds=longest), end)
    seen = await outage_store.observations(work, objective.offering, window, version.probes, now)
    is_alerting = await _burn_alerts(objective, version, seen, work)
    ahead = [one for one in seen.down(version, end) if one.end > now]
    is_down = any(one.start <= now for one in ahead)
    if is_alerting or is_down:
        times.append(now + timedelta(seconds=command.check_seconds))
    if ahead:
        # What lasts, or will be, spends the budget by itself at an instant that is known already.
        times += [end, *(one.start for one in ahead if one.start > now)]
        projected = await month_of(work, objective, month, end, now)
        if projected is not None and projected.breached_at is not None and projected.breached_at >= now:
            times.append(projected.breached_at + _JUST_AFTER)
    return min(times, default=None)


async def _burn_alerts(
    objective: Objective, version: ObjectiveVersion, seen: Observations, work: Work
) -> bool:
    """Whether any rule alerts now. What another version's rule had raised is over with that version: a rule at its
    place says for itself that the budget burns."""
    raised = await availability_store.raised_alerts(work, objective.id)
    for place in [place for place, at in raised.items() if at < version.effective_from]:
        await availability_store.clear_alert(work, objective.id, place)
        del raised[place]
    is_alerting = False
    for place, rule in enumerate(version.burn_alerts):
        found = burn(version, rule, seen, work.now)
        is_alerting = is_alerting or found.is_alerting
        if found.is_alerting and place not in raised:
            is_first = await availability_store.raise_alert(work, objective.id, place)
            if is_first:
                say_burning(objective, version.number, found, work.now)
        elif not found.is_alerting and place in raised:
            await availability_store.clear_alert(work, objective.id, place)
    return is_alerting
