"""Versions of the value models and the record of which was put in force, when and by whom."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from services.valuation.domain.models.fitting import Fit
from services.valuation.domain.serving.errors import ValueModelNotFoundError
from services.valuation.domain.serving.promotion import Check
from services.valuation.domain.serving.scoring import ValueModel
from services.valuation.persistence.serving_tables import model_promotions, model_versions
from shared.db.statements import insert, statement
from shared.db.work import Session, Work

VersionState = Literal["promoted", "rejected", "retired"]
PromotionCause = Literal["refit", "rollback"]

_ADD = statement(insert(model_versions))
_BY_VERSION = statement(
    sa.select(model_versions).where(model_versions.c.version == sa.bindparam("model_version"))
)
_IN_FORCE = statement(
    sa.text(
        "SELECT v.* FROM model_versions AS v WHERE v.version ="
        " (SELECT model_version FROM model_promotions ORDER BY place DESC LIMIT 1)"
    )
)
_NEXT = statement(sa.text("SELECT coalesce(max(version), 0) + 1 FROM model_versions"))
_PAGE = statement(
    sa.text(
        "SELECT * FROM model_versions WHERE CAST(:before AS integer) IS NULL OR version < CAST(:before AS integer)"
        " ORDER BY version DESC LIMIT CAST(:limit AS integer)"
    )
)
_SET_STATE = statement(
    sa.text(
        "UPDATE model_versions SET state = CAST(:state AS text) WHERE version = CAST(:model_version AS integer)"
    )
)
_PROMOTE = statement(insert(model_promotions))
_LATEST_PROMOTION = statement(sa.text("SELECT * FROM model_promotions ORDER BY place DESC LIMIT 1"))
_PROMOTIONS = statement(
    sa.text(
        "SELECT * FROM model_promotions WHERE CAST(:before AS integer) IS NULL OR place < CAST(:before AS integer)"
        " ORDER BY place DESC LIMIT CAST(:limit AS integer)"
    )
)
# Whoever decides on the version in force holds this until the end of its command.
_DECIDE = statement(sa.text("SELECT pg_advisory_xact_lock(hashtext('valuation.model_promotions'))"))


@dataclass(frozen=True, slots=True)
class FitReport:
    """A fit as it is kept: see `fitting.Fit`."""

    model: str
    asked: str
    parameters: Mapping[str, float] | None
    log_likelihood: float | None
    customers: float
    converged: bool
    method: str
    evaluations: int
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, fit: Fit) -> "FitReport":
        return cls(
            model=fit.model,
            asked=fit.asked,
            parameters=None if fit.parameters is None else fit.parameters.as_dict(),
            log_likelihood=fit.log_likelihood,
            customers=fit.customers,
            converged=fit.converged,
            method=fit.method,
            evaluations=fit.evaluations,
            warnings=fit.warnings,
        )


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One fit of both models, with the outcome of its checks.

    spend  its parameters are None where the spend model does not carry
    """

    version: int
    job_id: UUID
    state: VersionState
    buying: FitReport
    spend: FitReport
    unit: str
    history_day: date
    customers: int
    checks: tuple[Check, ...]
    fitted_at: datetime

    def model(self) -> ValueModel | None:
        """What scores; None for a fit without parameters."""
        if self.buying.parameters is None:
            return None
        return ValueModel.of(self.version, self.buying.model, self.buying.parameters, self.spend.parameters)


@dataclass(frozen=True, slots=True)
class Promotion:
    """A version was put in force; `previous_version` was until then."""

    place: int
    model_version: int
    previous_version: int | None
    cause: PromotionCause
    reason: str | None
    promoted_at: datetime
    promoted_by: str


async def decide(work: Work) -> Promotion | None:
    """Wait for the turn to decide on the version in force; the newest promotion."""
    await work.fetch_value(_DECIDE)
    return await latest_promotion(work)


async def latest_promotion(session: Session) -> Promotion | None:
    """What put the version in force there."""
    row = await session.fetch_one(_LATEST_PROMOTION)
    return None if row is None else Promotion(**dict(row))


async def in_force(session: Session) -> ModelVersion | None:
    """The version that scores, or None before the first promotion."""
    return _version(await session.fetch_one(_IN_FORCE))


async def require(session: Session, version: int) -> ModelVersion:
    """Raises `ValueModelNotFoundError`."""
    found = _version(await session.fetch_one(_BY_VERSION, model_version=version))
    if found is None:
        raise ValueModelNotFoundError
    return found


async def next_version(work: Work) -> int:
    """Call `decide` first."""
    version: int = await work.fetch_value(_NEXT)
    return version


async def add(work: Work, version: ModelVersion) -> None:
    """Keep a fit."""
    values = {**asdict(version), "checks": [asdict(check) for check in version.checks]}
    await work.execute(_ADD, **values)


async def put_in_force(
    work: Work, version: ModelVersion, before: Promotion | None, cause: PromotionCause, reason: str | None
) -> ModelVersion:
    """Make it the one that scores, and retire the one before. Call `decide` first."""
    if before is not None:
        await work.execute(_SET_STATE, model_version=before.model_version, state="retired")
    await work.execute(_SET_STATE, model_version=version.version, state="promoted")
    await work.execute(
        _PROMOTE,
        place=1 if before is None else before.place + 1,
        model_version=version.version,
        previous_version=None if before is None else before.model_version,
        cause=cause,
        reason=reason,
        promoted_at=work.now,
        promoted_by=str(work.actor),
    )
    return replace(version, state="promoted")


async def page(session: Session, before: int | None, limit: int) -> list[ModelVersion]:
    """At most `limit` versions, the newest first."""
    rows = await session.fetch_all(_PAGE, before=before, limit=limit)
    return [version for row in rows if (version := _version(row)) is not None]


async def promotions_page(session: Session, before: int | None, limit: int) -> list[Promotion]:
    """At most `limit` promotions, the newest first."""
    rows = await session.fetch_all(_PROMOTIONS, before=before, limit=limit)
    return [Promotion(**dict(row)) for row in rows]


def _version(row: Mapping[str, Any] | None) -> ModelVersion | None:
    if row is None:
        return None
    return ModelVersion(
        **{
            **dict(row),
            "buying": _report(row["buying"]),
            "spend": _report(row["spend"]),
            "checks": tuple(Check(**check) for check in row["checks"]),
        }
    )


def _report(kept: Mapping[str, Any]) -> FitReport:
    return FitReport(**{**kept, "warnings": tuple(kept["warnings"])})
