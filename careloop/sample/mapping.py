"""From an incident's log to commands: one declared table, whose use the report counts.

A real log does what a tidy state machine forgets: incidents that first appear resolved, that go from new or from
waiting straight to resolved, rows that predate their own opening. Nothing of that is dropped: each pair of states
has its row here, and what has none is counted as such.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from careloop.sample.history import Incident, LoggedUpdate

NEW, ACTIVE, RESOLVED, CLOSED = "new", "active", "resolved", "closed"
WAITING_ON_CUSTOMER, WAITING_ON_OTHERS = "waiting_on_customer", "waiting_on_others"

STATES = {
    "New": NEW,
    "Active": ACTIVE,
    "Awaiting User Info": WAITING_ON_CUSTOMER,
    "Awaiting Problem": WAITING_ON_OTHERS,
    "Awaiting Vendor": WAITING_ON_OTHERS,
    "Awaiting Evidence": WAITING_ON_OTHERS,
    "Resolved": RESOLVED,
    "Closed": CLOSED,
}
PRIORITIES = {"1 - Critical": "critical", "2 - High": "high", "3 - Moderate": "moderate", "4 - Low": "low"}

FINISHED = {RESOLVED, CLOSED}
# Stands for the state before an incident's first row; a ticket is new then.
OPENING = "opening"
WAIT_CUSTOMER, WAIT_OTHERS = "wait_on_customer", "wait_on_third_party"

# (state before, state after) → commands. Every ticket begins as new, when the log says it was opened.
MOVES: dict[tuple[str, str], tuple[str, ...]] = {
    (NEW, ACTIVE): ("start",),
    (NEW, WAITING_ON_CUSTOMER): (WAIT_CUSTOMER,),
    (NEW, WAITING_ON_OTHERS): (WAIT_OTHERS,),
    (NEW, RESOLVED): ("resolve",),
    (NEW, CLOSED): ("resolve", "close"),
    (ACTIVE, WAITING_ON_CUSTOMER): (WAIT_CUSTOMER,),
    (ACTIVE, WAITING_ON_OTHERS): (WAIT_OTHERS,),
    (ACTIVE, RESOLVED): ("resolve",),
    (ACTIVE, CLOSED): ("resolve", "close"),
    (WAITING_ON_CUSTOMER, ACTIVE): ("resume",),
    (WAITING_ON_CUSTOMER, WAITING_ON_OTHERS): ("resume", WAIT_OTHERS),
    (WAITING_ON_CUSTOMER, RESOLVED): ("resolve",),
    (WAITING_ON_CUSTOMER, CLOSED): ("resolve", "close"),
    (WAITING_ON_OTHERS, ACTIVE): ("resume",),
    (WAITING_ON_OTHERS, WAITING_ON_CUSTOMER): ("resume", WAIT_CUSTOMER),
    (WAITING_ON_OTHERS, RESOLVED): ("resolve",),
    (WAITING_ON_OTHERS, CLOSED): ("resolve", "close"),
    (RESOLVED, ACTIVE): ("reopen", "start"),
    (RESOLVED, WAITING_ON_CUSTOMER): ("reopen", WAIT_CUSTOMER),
    (RESOLVED, WAITING_ON_OTHERS): ("reopen", WAIT_OTHERS),
    (RESOLVED, CLOSED): ("close",),
    (CLOSED, ACTIVE): ("reopen", "start"),
    (CLOSED, RESOLVED): ("reopen", "resolve"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One command on one incident's ticket. `argument` is what the command needs: a person, a queue, a priority."""

    at: datetime
    command: str
    argument: str | None = None


def steps_of(incident: Incident, counts: Counter[str]) -> list[Step]:
    """The commands that replay one incident, in order; `counts` gets the name of each rule used."""
    first = incident.updates[0]
    opening = Step(incident.opened_at, "open", PRIORITIES.get(first.priority))
    if opening.argument is None:
        counts[f"priority {first.priority!r} is unknown: opened as moderate"] += 1
    steps = [opening]
    counts["opened"] += 1
    before = LoggedUpdate(incident.opened_at, OPENING, first.priority, first.category, first.group, None)
    latest, state = incident.opened_at, NEW
    for update in incident.updates:
        at = max(update.at, latest)
        if update.at < incident.opened_at:
            counts["row predates its opening: replayed at the opening"] += 1
        elif update.at < latest:
            counts["row predates the row before it: replayed with that row"] += 1
        commands, state = _changes(state, before, update, counts)
        own = [Step(at, command, argument) for command, argument in commands]
        if not own:
            counts["row without a change that careloop records"] += 1
        steps += own
        before, latest = update, at
    return steps


def _changes(
    was: str, before: LoggedUpdate, after: LoggedUpdate, counts: Counter[str]
) -> tuple[list[tuple[str, str | None]], str]:
    """The commands of one row, and the ticket's state after them.

    `was` is the state that the replayed ticket is in, which differs from the row before where that had no mapping.
    Facts go before the state, since who resolves must be known before it is resolved; but a finished ticket takes
    no facts, so they go after its reopening and are counted where it stays shut.
    """
    moves, now = _moves(was, before, after, counts)
    facts = _facts(before, after)
    if facts and was in FINISHED and now in FINISHED and moves[:1] != ["reopen"]:
        counts["change of fact after resolution: not replayed"] += len(facts)
        facts = []
    counts.update(command for command, _ in facts)
    if was == now == ACTIVE and any(command == "transfer" for command, _ in facts):
        # A transfer puts the ticket back into a queue; the log goes on as active, so work is taken up again.
        facts.append(("start", None))
    bare: list[tuple[str, str | None]] = [(command, None) for command in moves]
    reopening = 1 if moves[:1] == ["reopen"] else 0
    return [*bare[:reopening], *facts, *bare[reopening:]], now


def _facts(before: LoggedUpdate, after: LoggedUpdate) -> list[tuple[str, str | None]]:
    facts: list[tuple[str, str | None]] = []
    if after.priority != before.priority and after.priority in PRIORITIES:
        facts.append(("prioritise", PRIORITIES[after.priority]))
    if after.category != before.category and after.category is not None:
        facts.append(("classify", after.category))
    if after.group != before.group and after.group is not None:
        facts.append(("transfer", after.group))
    if after.assignee is not None and (after.assignee != before.assignee or after.group != before.group):
        facts.append(("assign", after.assignee))
    return facts


def _moves(
    was: str, before: LoggedUpdate, after: LoggedUpdate, counts: Counter[str]
) -> tuple[list[str], str]:
    now = STATES.get(after.state)
    if now is None:
        counts[f"state {after.state!r} is unknown: left as it was"] += 1
        return [], was
    if now == was:
        return [], was
    found = MOVES.get((was, now))
    if found is None:
        counts[f"{before.state} → {after.state} has no mapping: left as it was"] += 1
        return [], was
    counts[f"{before.state} → {after.state}: {', '.join(found)}"] += 1
    return list(found), now
