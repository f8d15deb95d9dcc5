"""Outages with all that was said of them, and probe results."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from services.sla.domain.availability.errors import OutageChangedError, OutageNotFoundError
from services.sla.domain.availability.intervals import Interval
from services.sla.domain.availability.measurement import Observations
from services.sla.domain.availability.objective import ProbeRule
from services.sla.domain.availability.outages import Outage, OutageFact
from services.sla.domain.availability.probes import ProbeRun, probed_outages
from services.sla.persistence.tables import outage_facts as facts
from services.sla.persistence.tables import outages
from shared.db.statements import Composed, Statement, insert, statement
from shared.db.work import Session, Work

_AT = sa.DateTime(timezone=True)
_ID = sa.bindparam("outage_id", type_=sa.Uuid)
_ADD = statement(insert(outages))
_ADD_FACT = statement(insert(facts))
_GET = statement(sa.select(outages).where(outages.c.id == _ID))
_LOCK = statement(sa.select(outages).where(outages.c.id == _ID).with_for_update())
_FACTS = statement(
    sa.select(facts)
    .where(facts.c.outage_id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(facts.c.outage_id, facts.c.number)
)
_WIDEN = statement(
    sa.update(outages)
    .where(outages.c.id == _ID)
    .values(
        version=outages.c.version + 1,
        earliest_at=sa.bindparam("earliest", type_=_AT),
        latest_at=sa.bindparam("latest", type_=_AT),
    )
)
_MEETING = statement(
    sa.select(outages)
    .where(
        outages.c.offering == sa.bindparam("offering", type_=sa.Text),
        outages.c.earliest_at < sa.bindparam("until", type_=_AT),
        sa.or_(outages.c.latest_at.is_(None), outages.c.latest_at > sa.bindparam("since", type_=_AT)),
    )
    .order_by(outages.c.earliest_at)
)
_ADD_RESULTS = Statement(
    "INSERT INTO probe_results (offering, probe, at, is_good, recorded_at) "
    "SELECT $1, r.probe, r.at, r.is_good, $5 FROM unnest($2::text[], $3::timestamptz[], $4::boolean[]) "
    "AS r (probe, at, is_good) ON CONFLICT DO NOTHING",
    ("offering", "probes", "ats", "are_good", "recorded_at"),
    {},
)
# Runs of equal results not further apart than the silence, as `runs_of` makes them of results in memory.
_RUNS = Statement(
    "WITH told AS (SELECT probe, at, is_good, "
    "is_good IS DISTINCT FROM lag(is_good) OVER w OR at - lag(at) OVER w > $5::interval AS begins "
    "FROM probe_results WHERE offering = $1 AND at >= $2 AND at < $3 AND recorded_at <= $4 "
    "WINDOW w AS (PARTITION BY probe ORDER BY at)), "
    "runs AS (SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY probe ORDER BY at) AS run FROM told) "
    "SELECT probe, is_good, min(at) AS first_at, max(at) AS last_at, count(*) AS results "
    "FROM runs GROUP BY probe, run, is_good ORDER BY probe, first_at",
    ("offering", "since", "until", "known_at", "silence"),
    {},
)


def _page(key: tuple[bool, bool]) -> sa.Select[Any]:
    after, by_offering = key
    query = (
        sa.select(outages)
        .order_by(outages.c.created_at, outages.c.id)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
    if by_offering:
        query = query.where(outages.c.offering == sa.bindparam("offering", type_=sa.Text))
    if after:
        last = sa.tuple_(sa.bindparam("after_at", type_=_AT), sa.bindparam("after_id", type_=sa.Uuid))
        query = query.where(sa.tuple_(outages.c.created_at, outages.c.id) > last)
    return query


_PAGE = Composed(_page)


@dataclass(frozen=True, slots=True)
class StoredOutage:
    """An outage with the rows of its facts, oldest first; `version` is how many there are."""

    id: UUID
    offering: str
    version: int
    created_at: datetime
    rows: Sequence[Any]

    @property
    def outage(self) -> Outage:
        return Outage(self.id, tuple(_fact(row) for row in self.rows))


async def add(work: Work, outage_id: UUID, offering: str, fact: OutageFact, evidence: str | None) -> None:
    await work.execute(
        _ADD,
        id=outage_id,
        offering=offering,
        version=1,
        earliest_at=fact.start_at,
        latest_at=fact.end_at,
        created_at=work.now,
    )
    await _add_fact(work, outage_id, 1, fact, evidence)


async def lock(work: Work, outage_id: UUID, expected_version: int) -> StoredOutage:
    """Raises `OutageNotFoundError`, `OutageChangedError`."""
    row = await work.fetch_one(_LOCK, outage_id=outage_id)
    if row is None:
        raise OutageNotFoundError
    if row["version"] != expected_version:
        raise OutageChangedError
    return (await _with_facts(work, [row]))[0]


async def add_fact(work: Work, stored: StoredOutage, fact: OutageFact, evidence: str | None) -> None:
    """What counts from now on; the facts before stay."""
    known = [*stored.outage.facts, fact]
    ends = [one.end_at for one in known]
    await work.execute(
        _WIDEN,
        outage_id=stored.id,
        earliest=min(one.start_at for one in known),
        latest=None if None in ends else max(end for end in ends if end is not None),
    )
    await _add_fact(work, stored.id, stored.version + 1, fact, evidence)


async def get(session: Session, outage_id: UUID) -> StoredOutage:
    """Raises `OutageNotFoundError`."""
    row = await session.fetch_one(_GET, outage_id=outage_id)
    if row is None:
        raise OutageNotFoundError
    return (await _with_facts(session, [row]))[0]


async def page(
    session: Session, *, offering: str | None, after: tuple[Any, ...] | None, limit: int
) -> list[StoredOutage]:
    """In the order in which they were recorded first."""
    given: dict[str, Any] = {} if offering is None else {"offering": offering}
    if after is not None:
        given |= {"after_at": after[0], "after_id": after[1]}
    rows = await session.fetch_all(_PAGE((after is not None, offering is not None)), limit=limit, **given)
    return await _with_facts(session, rows)


async def add_results(work: Work, offering: str, results: Sequence[tuple[str, datetime, bool]]) -> int:
    """Those that are new of (probe, at, is_good); how many."""
    return await work.execute(
        _ADD_RESULTS,
        offering=offering,
        probes=[probe for probe, _, _ in results],
        ats=[at for _, at, _ in results],
        are_good=[is_good for _, _, is_good in results],
        recorded_at=work.now,
    )


async def observations(
    session: Session, offering: str, window: Interval, rule: ProbeRule, known_at: datetime
) -> Observations:
    """What is known at an instant of an offering in a window; probe results by that rule."""
    # A row of bad results that began before the window still is one in it.
    lead = timedelta(seconds=rule.silence_seconds * max(rule.bad_in_a_row, rule.good_in_a_row))
    rows = await session.fetch_all(
        _RUNS,
        offering=offering,
        since=window.start - lead,
        until=window.end,
        known_at=known_at,
        silence=timedelta(seconds=rule.silence_seconds),
    )
    runs = [
        ProbeRun(row["probe"], row["is_good"], row["first_at"], row["last_at"], row["results"])
        for row in rows
    ]
    meeting = await session.fetch_all(_MEETING, offering=offering, since=window.start, until=window.end)
    stored = await _with_facts(session, meeting)
    known = (one.outage.as_known_at(known_at) for one in stored)
    return Observations([one for one in known if one is not None], probed_outages(runs, rule))


async def _add_fact(work: Work, outage_id: UUID, number: int, fact: OutageFact, evidence: str | None) -> None:
    await work.execute(
        _ADD_FACT,
        outage_id=outage_id,
        number=number,
        start_at=fact.start_at,
        end_at=fact.end_at,
        cause=fact.cause,
        is_planned=fact.is_planned,
        is_retracted=fact.is_retracted,
        evidence=evidence,
        recorded_at=fact.recorded_at,
        recorded_by=str(work.actor),
    )


async def _with_facts(session: Session, rows: Iterable[Any]) -> list[StoredOutage]:
    chosen = list(rows)
    said: dict[UUID, list[Any]] = defaultdict(list)
    if chosen:
        for row in await session.fetch_all(_FACTS, ids=[row["id"] for row in chosen]):
            said[row["outage_id"]].append(row)
    return [
        StoredOutage(row["id"], row["offering"], row["version"], row["created_at"], said[row["id"]])
        for row in chosen
    ]


def _fact(row: Any) -> OutageFact:
    return OutageFact(
        start_at=row["start_at"],
        end_at=row["end_at"],
        cause=row["cause"],
        is_planned=row["is_planned"],
        is_retracted=row["is_retracted"],
        recorded_at=row["recorded_at"],
    )
