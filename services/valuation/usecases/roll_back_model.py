"""Go back to an earlier version of the value models, and score everybody by it."""

from dataclasses import dataclass, replace

from services.valuation.domain.serving.errors import (
    NoEarlierValueModelError,
    ValueModelInForceError,
    ValueModelRejectedError,
)
from services.valuation.domain.serving.refit_status import RefitCommand, next_status
from services.valuation.persistence import model_versions, refit_jobs
from services.valuation.persistence.model_versions import ModelVersion
from services.valuation.usecases.context import Valuation
from services.valuation.usecases.refit_models import new_job
from shared.db.work import Work


@dataclass(frozen=True, slots=True)
class RollBackModel:
    """`to_version` None: the version that was in force before this one."""

    reason: str
    to_version: int | None = None


async def roll_back_model(command: RollBackModel, work: Work, valuation: Valuation) -> ModelVersion:
    """The version that is in force from now on.

    A job that is open is superseded, so that its fit cannot undo this; until somebody asks for a refit, nightly fits
    are kept and not promoted. Raises `NoEarlierValueModelError`, `ValueModelNotFoundError`,
    `ValueModelRejectedError`, `ValueModelInForceError`.
    """
    before = await model_versions.decide(work)
    if before is None or (command.to_version is None and before.previous_version is None):
        raise NoEarlierValueModelError
    wanted = before.previous_version if command.to_version is None else command.to_version
    assert wanted is not None
    version = await model_versions.require(work, wanted)
    if version.state == "promoted":
        raise ValueModelInForceError
    if version.state == "rejected":
        raise ValueModelRejectedError
    version = await model_versions.put_in_force(work, version, before, "rollback", command.reason)
    job = await refit_jobs.lock_open(work)
    if job is not None:
        status = next_status(job.status, RefitCommand.SUPERSEDE)
        await refit_jobs.save(work, replace(job, status=status, completed_at=work.now))
    await refit_jobs.add(work, await new_job(work, valuation, "rollback"))
    return version
