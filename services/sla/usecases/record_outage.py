"""Outages: recorded, ended, corrected or taken back by a later fact; and results of probes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.sla.domain.availability.errors import InvalidProbeResultsError, UnknownOfferingError
from services.sla.domain.availability.outages import OutageFact, check_fact
from services.sla.persistence import availability_store, outage_store
from services.sla.persistence.outage_store import StoredOutage
from shared.db.work import Work
from shared.kernel.errors import FieldError
from shared.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class RecordOutage:
    """`end_at` None while it lasts; `evidence` says where it can be checked."""

    offering: str
    start_at: datetime
    end_at: datetime | None
    cause: str
    is_planned: bool
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class CorrectOutage:
    """What counts from now on; `is_retracted`: there was none."""

    outage_id: UUID
    expected_version: int
    start_at: datetime
    end_at: datetime | None
    cause: str
    is_planned: bool
    is_retracted: bool
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class RecordProbeResults:
    """`results` are (probe, at, is_good); `settle_seconds`: how soon good ones are looked at."""

    offering: str
    results: Sequence[tuple[str, datetime, bool]]
    settle_seconds: float


async def record_outage(command: RecordOutage, work: Work) -> StoredOutage:
    """Raises `InvalidOutageError`, `UnknownOfferingError`."""
    fact = OutageFact(
        command.start_at, command.end_at, command.cause, command.is_planned, False, recorded_at=work.now
    )
    check_fact(fact, work.now)
    await _check_offering(work, command.offering)
    outage_id = new_id()
    await outage_store.add(work, outage_id, command.offering, fact, command.evidence)
    await availability_store.touch(work, command.offering, since=fact.start_at, look_at=work.now)
    return await outage_store.get(work, outage_id)


async def correct_outage(command: CorrectOutage, work: Work) -> StoredOutage:
    """Raises `InvalidOutageError`, `OutageNotFoundError`, `OutageChangedError`."""
    fact = OutageFact(
        command.start_at,
        command.end_at,
        command.cause,
        command.is_planned,
        command.is_retracted,
        recorded_at=work.now,
    )
    check_fact(fact, work.now)
    stored = await outage_store.lock(work, command.outage_id, command.expected_version)
    await outage_store.add_fact(work, stored, fact, command.evidence)
    since = min(fact.start_at, stored.outage.latest.start_at)
    await availability_store.touch(work, stored.offering, since=since, look_at=work.now)
    return await outage_store.get(work, stored.id)


async def record_probe_results(command: RecordProbeResults, work: Work) -> int:
    """How many were new; one probe has one result an instant, and the first counts.

    Raises `InvalidProbeResultsError`, `UnknownOfferingError`; then nothing is written.
    """
    faults = [
        FieldError(f"results[{place}].at", "not_in_future", "A probe tells what it has seen.")
        for place, (_, at, _) in enumerate(command.results)
        if at > work.now
    ]
    if faults:
        raise InvalidProbeResultsError(faults[0].message, field_errors=faults)
    await _check_offering(work, command.offering)
    added = await outage_store.add_results(work, command.offering, command.results)
    if added:
        settle = timedelta(seconds=command.settle_seconds)
        is_bad = any(not is_good for _, _, is_good in command.results)
        await availability_store.touch(
            work,
            command.offering,
            since=min(at for _, at, _ in command.results),
            look_at=work.now if is_bad else work.now + settle,
        )
    return added


async def _check_offering(work: Work, offering: str) -> None:
    if not await availability_store.knows_offering(work, offering):
        raise UnknownOfferingError.named(offering)
