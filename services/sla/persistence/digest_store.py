"""Lines of digests that wait, and the targets whom they are told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, Insert

from services.sla.domain.digests import DigestTarget, Waiting, target_id_of
from services.sla.domain.events import DigestLine
from services.sla.domain.metrics import Metric, SubjectKind
from services.sla.persistence.tables import AT, digest_lines, digest_targets
from shared.db.statements import Composed, insert, statement
from shared.db.work import Session, Work

_EPOCH = sa.literal_column("timestamptz '1970-01-01 00:00:00+00'", AT)
_UNTOLD = digest_lines.c.told_at.is_(None)
_TARGET = sa.bindparam("target", type_=sa.Text)


def _waiting(of_one: bool) -> sa.Select[Any]:
    window_start = sa.func.date_bin(
        sa.bindparam("window", type_=sa.Interval), digest_lines.c.fired_at, _EPOCH, type_=AT
    )
    lines = sa.select(
        digest_lines.c.target,
        window_start.label("window_start"),
        sa.case((~digest_lines.c.is_capped, digest_lines.c.fired_at)).label("late_at"),
    ).where(_UNTOLD)
    found = (lines.where(digest_lines.c.target == _TARGET) if of_one else lines).subquery()
    told = digest_targets.c.window_start
    return (
        sa.select(
            found.c.target,
            found.c.window_start,
            sa.func.max(found.c.late_at).label("last_late_at"),
            told.label("told_window"),
        )
        .select_from(found.outerjoin(digest_targets, digest_targets.c.target == found.c.target))
        .group_by(found.c.target, found.c.window_start, told)
        .order_by(found.c.window_start, found.c.target)
    )


_WAITING = Composed(_waiting)
_LINES = statement(
    sa.select(digest_lines)
    .where(
        digest_lines.c.target == _TARGET,
        _UNTOLD,
        digest_lines.c.fired_at >= sa.bindparam("since", type_=AT),
        digest_lines.c.fired_at < sa.bindparam("until", type_=AT),
    )
    .order_by(digest_lines.c.threshold_at, digest_lines.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)
_MARK_TOLD = statement(
    sa.update(digest_lines)
    .where(digest_lines.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.BigInteger))))
    .values(told_at=sa.bindparam("at", type_=AT))
)
_ADD = statement(cast("Insert", insert(digest_targets)).on_conflict_do_nothing())
_LOCK = statement(sa.select(digest_targets).where(digest_targets.c.target == _TARGET).with_for_update())
_SAVE = statement(
    sa.update(digest_targets)
    .where(digest_targets.c.id == sa.bindparam("row_id", type_=sa.Uuid))
    .values(
        sequence=sa.bindparam("counted", type_=sa.BigInteger),
        last_occurred_at=sa.bindparam("at", type_=AT),
        window_start=sa.bindparam("told_window", type_=AT),
        part=sa.bindparam("told_part", type_=sa.Integer),
    )
)


class WaitingLine(NamedTuple):
    """A line that nobody was told of, and its number."""

    id: int
    line: DigestLine


async def waiting(session: Session, window: timedelta, target: str | None = None) -> list[Waiting]:
    """Targets (or one of them) and windows of which something is to be told; targets are few."""
    given: dict[str, Any] = {} if target is None else {"target": target}
    rows = await session.fetch_all(_WAITING(target is not None), window=window, **given)
    return [Waiting(*row) for row in rows]


async def lock_target(work: Work, target: str) -> DigestTarget:
    """The target, new or known; others who would tell it wait."""
    new = {"id": target_id_of(target), "target": target, "sequence": 0, "part": 0}
    await work.execute(_ADD, **new, last_occurred_at=None, window_start=None)
    row = await work.fetch_one(_LOCK, target=target)
    assert row is not None
    return DigestTarget(**row)


async def lines(
    work: Work, target: str, since: datetime, window: timedelta, *, limit: int
) -> list[WaitingLine]:
    """Lines of the window that begins at `since`, by the instants of their thresholds."""
    until = since + window
    rows = await work.fetch_all(_LINES, target=target, since=since, until=until, limit=limit)
    return [WaitingLine(row["id"], _line(row)) for row in rows]


async def mark_told(work: Work, ids: Sequence[int]) -> None:
    await work.execute(_MARK_TOLD, ids=ids, at=work.now)


async def save_target(work: Work, target: DigestTarget) -> None:
    """How far it was told, with its events."""
    await work.execute(
        _SAVE,
        row_id=target.id,
        counted=target.sequence,
        at=target.last_occurred_at,
        told_window=target.window_start,
        told_part=target.part,
    )
    work.record(*target.take_events())


def _line(row: Any) -> DigestLine:
    facts = {name: row[name] for name in DigestLine._fields}
    kind, metric = SubjectKind(facts["subject_kind"]), Metric(facts["metric"])
    return DigestLine(**facts | {"subject_kind": kind, "metric": metric})
