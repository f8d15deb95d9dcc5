"""Policies: write and read."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response

from services.sla.api.catalogue_access import SlaContext, context_of
from services.sla.api.policy_models import (
    AddPolicyVersionIn,
    CreatePolicyIn,
    PolicyOut,
    PolicySummary,
    PolicyVersionOut,
)
from services.sla.persistence import policy_store
from services.sla.usecases.apply_version import apply_new_policy
from services.sla.usecases.write_policy import AddPolicyVersion, CreatePolicy
from services.sla.usecases.write_policy import add_policy_version as add_version_usecase
from services.sla.usecases.write_policy import create_policy as create_usecase
from shared.db.work import Session, Work
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.models import Page
from shared.web.reads import Reader, reading

router = APIRouter(tags=["policies"])
LOCATION = "/sla/v1/policies"
Context = Annotated[SlaContext, Depends(context_of)]


@router.post("/policies", status_code=201, response_model=PolicyOut)
async def create_policy(
    body: CreatePolicyIn, context: Context, edge: Annotated[CommandEdge, Depends(command("create_policy"))]
) -> Response:
    """Write a policy. Subjects that start while it is in force and that it matches best get its clocks."""
    creating = CreatePolicy(body.name, body.document(), body.effective_from, body.effective_until)

    async def run(work: Work) -> PolicyOut:
        return await _shown(work, await create_usecase(creating, work, catalogues=context.catalogues))

    return await edge.run(
        run, present=lambda shown: shown, status=201, location=lambda shown: f"{LOCATION}/{shown.id}"
    )


@router.post(
    "/policies/{policy_id}/versions",
    status_code=201,
    response_model=PolicyOut,
    responses={202: {"model": PolicyOut, "description": "A job applies it to what runs already."}},
)
async def add_policy_version(
    policy_id: UUID,
    body: AddPolicyVersionIn,
    context: Context,
    edge: Annotated[CommandEdge, Depends(command("add_policy_version"))],
) -> Response:
    """Write a new version, in force from later than the one before. No due date of today moves, unless it is
    applied retroactively: then 202, and `job_id` names the job that does it."""
    adding = AddPolicyVersion(
        policy_id, edge.expected_version, body.document(), body.effective_from, body.effective_until
    )

    async def run(work: Work) -> PolicyOut:
        await add_version_usecase(adding, work, catalogues=context.catalogues)
        shown = await _shown(work, policy_id)
        if body.application == "future_only":
            return shown
        job = await apply_new_policy(policy_id, work, catalogues=context.catalogues)
        return shown.model_copy(update={"job_id": job["id"]})

    return await edge.run(run, present=lambda shown: shown, status=lambda shown: 202 if shown.job_id else 201)


@router.get("/policies", response_model=Page[PolicySummary])
async def list_policies(
    paging: Annotated[Paging, Depends(paging)], reader: Annotated[Reader, Depends(reading("list_policies"))]
) -> Response:
    """Policies by name."""
    after = paging.after(str)
    async with reader.session() as session:
        found = await policy_store.page(
            session, after=None if after is None else after[0], limit=paging.fetch
        )
    return paging.page(found, present=PolicySummary.of, key=lambda policy: (policy.name,))


@router.get("/policies/{policy_id}", response_model=PolicyOut)
async def get_policy(policy_id: UUID, reader: Annotated[Reader, Depends(reading("get_policy"))]) -> Response:
    """A policy with its newest version."""
    async with reader.session() as session:
        return reader.answer(await _shown(session, policy_id))


@router.get("/policies/{policy_id}/versions", response_model=Page[PolicyVersionOut])
async def list_policy_versions(
    policy_id: UUID,
    paging: Annotated[Paging, Depends(paging)],
    reader: Annotated[Reader, Depends(reading("list_policy_versions"))],
) -> Response:
    """Versions of a policy, oldest first."""
    after = paging.after(int)
    async with reader.session() as session:
        rows = await policy_store.version_page(
            session, policy_id, after=None if after is None else after[0], limit=paging.fetch
        )
    return paging.page(rows, present=PolicyVersionOut.of, key=lambda row: (row["number"],))


@router.get("/policies/{policy_id}/versions/{number}", response_model=PolicyVersionOut)
async def get_policy_version(
    policy_id: UUID,
    number: Annotated[int, Path(ge=1, le=2**31 - 1)],
    reader: Annotated[Reader, Depends(reading("get_policy_version"))],
) -> Response:
    """One version of a policy."""
    async with reader.session() as session:
        row = await policy_store.version(session, policy_id, number)
    return reader.answer(PolicyVersionOut.of(row))


async def _shown(session: Session, policy_id: UUID) -> PolicyOut:
    policy = await policy_store.get(session, policy_id)
    return PolicyOut.beside(policy, await policy_store.latest(session, policy_id))
