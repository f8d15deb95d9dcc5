"""Versions of the indicator system: appended, never altered. The newest is in force."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from services.valuation.domain.indicators.errors import IndicatorSystemNotFoundError
from services.valuation.domain.indicators.system import (
    Group,
    Indicator,
    IndicatorSystem,
    Provenance,
    Weighting,
)
from services.valuation.domain.indicators.weighing import SystemWeights, Weighed
from services.valuation.persistence.indicator_tables import indicator_systems
from shared.db.statements import insert, statement
from shared.db.work import Session, Work

_LOCK_NUMBER = 4_077_312

_TURN = statement(sa.text("SELECT pg_advisory_xact_lock(CAST(:number AS bigint))"))
_NEWEST = statement(sa.text("SELECT * FROM indicator_systems ORDER BY version DESC LIMIT 1"))
_BY_VERSION = statement(
    sa.select(indicator_systems).where(indicator_systems.c.version == sa.bindparam("wanted"))
)
_PAGE = statement(
    sa.text(
        "SELECT * FROM indicator_systems WHERE version < CAST(:before AS integer)"
        " ORDER BY version DESC LIMIT CAST(:limit AS integer)"
    )
)
_ADD = statement(insert(indicator_systems))


@dataclass(frozen=True, slots=True)
class StoredSystem:
    """A version with the weights that were computed when it was made."""

    system: IndicatorSystem
    weights: SystemWeights
    provenance: Provenance


async def newest(session: Session) -> StoredSystem:
    """The version in force."""
    row = await session.fetch_one(_NEWEST)
    if row is None:
        raise IndicatorSystemNotFoundError
    return _stored(row)


async def lock_newest(work: Work) -> StoredSystem:
    """The newest version; nobody else adds one until the command ends."""
    await work.execute(_TURN, number=_LOCK_NUMBER)
    return await newest(work)


async def require(session: Session, version: int) -> StoredSystem:
    """Raises `IndicatorSystemNotFoundError`."""
    row = await session.fetch_one(_BY_VERSION, wanted=version)
    if row is None:
        raise IndicatorSystemNotFoundError
    return _stored(row)


async def page(session: Session, before: int, limit: int) -> list[StoredSystem]:
    """At most `limit` versions below `before`, the newest first."""
    return [_stored(row) for row in await session.fetch_all(_PAGE, before=before, limit=limit)]


async def add(work: Work, stored: StoredSystem) -> None:
    """Add a version."""
    provenance = stored.provenance
    await work.execute(
        _ADD,
        version=provenance.version,
        content=asdict(stored.system),
        weights={
            "groups": _weighed_json(stored.weights.groups),
            "within": [_weighed_json(level) for level in stored.weights.within],
        },
        measurement_id=provenance.measurement_id,
        created_at=provenance.created_at,
        created_by=provenance.created_by,
    )


def _weighed_json(level: Weighed) -> dict[str, Any]:
    return {"weights": level.weights, "divergences": level.divergences}


def _stored(row: Mapping[str, Any]) -> StoredSystem:
    content, weights = row["content"], row["weights"]
    system = IndicatorSystem(
        groups=tuple(
            Group(
                group["name"],
                group["label"],
                group["label_zh"],
                tuple(Indicator(**indicator) for indicator in group["indicators"]),
                _weighting(group["weighting"]),
            )
            for group in content["groups"]
        ),
        weighting=_weighting(content["weighting"]),
    )
    return StoredSystem(
        system,
        SystemWeights(_weighed(weights["groups"]), tuple(_weighed(level) for level in weights["within"])),
        Provenance(row["version"], row["created_at"], row["created_by"], row["measurement_id"]),
    )


def _weighting(content: Mapping[str, Any]) -> Weighting:
    matrix, weights = content["matrix"], content["weights"]
    return Weighting(
        content["method"],
        None if matrix is None else tuple(tuple(row) for row in matrix),
        None if weights is None else tuple(weights),
        content["ahp_share"],
    )


def _weighed(content: Mapping[str, Any]) -> Weighed:
    found = content["divergences"]
    return Weighed(tuple(content["weights"]), divergences=None if found is None else tuple(found))
