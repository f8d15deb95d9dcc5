"""Policies: a new one, or a new version of one. Clocks that run already keep the version they are pinned to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sla.domain.policies import PolicyVersion
from services.sla.domain.policy_document import PolicyContent, read_policy
from services.sla.domain.policy_rules import check_version
from services.sla.persistence import policy_store
from services.sla.persistence.catalogue_store import Catalogues, take_revision
from shared.db.work import Work
from shared.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class CreatePolicy:
    """`document` is the JSON form of what the policy says; in force from now on unless said."""

    name: str
    document: Mapping[str, Any]
    effective_from: datetime | None = None
    effective_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddPolicyVersion:
    """`expected_version` is how many versions the caller saw."""

    policy_id: UUID
    expected_version: int
    document: Mapping[str, Any]
    effective_from: datetime | None = None
    effective_until: datetime | None = None


async def create_policy(command: CreatePolicy, work: Work, *, catalogues: Catalogues) -> UUID:
    """The id of the new policy. Raises `InvalidPolicyError`, `NameTakenError`,
    `OverlappingEffectiveDatesError`."""
    content = read_policy(command.document)
    policy_id = new_id()
    await policy_store.add(work, policy_id, command.name)
    await _add(work, (policy_id, command.name, 1), content, command, catalogues)
    return policy_id


async def add_policy_version(command: AddPolicyVersion, work: Work, *, catalogues: Catalogues) -> UUID:
    """The policy's id. Raises what `create_policy` raises, `PolicyNotFoundError`, `PolicyChangedError`."""
    content = read_policy(command.document)
    policy = await policy_store.lock(work, command.policy_id, command.expected_version)
    await policy_store.bump(work, policy.id)
    await _add(work, (policy.id, policy.name, policy.version + 1), content, command, catalogues)
    return policy.id


async def _add(
    work: Work,
    policy: tuple[UUID, str, int],
    content: PolicyContent,
    command: CreatePolicy | AddPolicyVersion,
    catalogues: Catalogues,
) -> None:
    policy_id, name, number = policy
    calendar_id = command.document.get("calendar_id")
    # Versions are added one at a time: from here on nobody else adds one before this transaction ends.
    revision = await take_revision(work)
    version = PolicyVersion(
        id=new_id(),
        policy_id=policy_id,
        name=name,
        number=number,
        agreement=content.agreement,
        match=content.match,
        calendar_id=None if calendar_id is None else UUID(calendar_id),
        targets=content.targets,
        effective_from=command.effective_from or work.now,
        effective_until=command.effective_until,
        revision=revision,
    )
    catalogue = await catalogues.at(work, revision - 1)
    calendars = [] if version.calendar_id is None else catalogue.calendar_versions(version.calendar_id)
    check_version(version, calendars, catalogue.policy_versions())
    await policy_store.add_version(
        work,
        id=version.id,
        policy_id=policy_id,
        number=number,
        effective_from=version.effective_from,
        effective_until=version.effective_until,
        revision=revision,
        document=dict(command.document),
    )
