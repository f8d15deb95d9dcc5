"""From probe results to outages, by the objective's declared rule."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.sla.domain.availability.intervals import Interval, where_at_least
from services.sla.domain.availability.objective import ProbeRule


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """Results of one probe that follow each other and say the same, none further apart than the silence."""

    probe: str
    is_good: bool
    first_at: datetime
    last_at: datetime
    results: int


def runs_of(results: Iterable[tuple[str, datetime, bool]], rule: ProbeRule) -> list[ProbeRun]:
    """Runs of (probe, at, is_good). The store does the same in the database."""
    runs: list[ProbeRun] = []
    silence = timedelta(seconds=rule.silence_seconds)
    for probe, at, is_good in sorted(results):
        last = runs[-1] if runs else None
        if last and (last.probe, last.is_good) == (probe, is_good) and at - last.last_at <= silence:
            runs[-1] = ProbeRun(probe, is_good, last.first_at, at, last.results + 1)
        else:
            runs.append(ProbeRun(probe, is_good, at, at, 1))
    return runs


def probed_outages(runs: Iterable[ProbeRun], rule: ProbeRule) -> list[Interval]:
    """When at least the rule's quorum of probes saw the offering down.

    Nothing is counted beyond the last result: an outage that lasts ends, for now, with its last bad result.
    """
    by_probe: dict[str, list[ProbeRun]] = defaultdict(list)
    for run in runs:
        by_probe[run.probe].append(run)
    return where_at_least(rule.quorum, [_seen_by_one(of_probe, rule) for of_probe in by_probe.values()])


def _seen_by_one(runs: list[ProbeRun], rule: ProbeRule) -> list[Interval]:
    silence = timedelta(seconds=rule.silence_seconds)
    found: list[Interval] = []
    since: datetime | None = None
    last_bad_at: datetime | None = None
    before: ProbeRun | None = None
    for run in runs:
        if before is not None and run.first_at - before.last_at > silence and since is not None:
            found.append(Interval(since, before.last_at))
            since = None
        if not run.is_good:
            last_bad_at = run.last_at
            if since is None and run.results >= rule.bad_in_a_row:
                since = run.first_at
        elif since is not None and run.results >= rule.good_in_a_row:
            found.append(Interval(since, run.first_at))
            since = None
        before = run
    if since is not None and last_bad_at is not None:
        found.append(Interval(since, last_bad_at))
    return found
