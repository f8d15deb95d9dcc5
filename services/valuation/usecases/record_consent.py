"""Record that a customer gave or withdrew consent."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.valuation.domain.events import ConsentChanged
from services.valuation.domain.profile.consents import (
    Consent,
    ConsentChannel,
    ConsentDecision,
    check_consent,
    in_force,
)
from services.valuation.persistence import consents, customers, standings
from services.valuation.usecases.context import Valuation
from shared.db.work import Work
from shared.kernel.ids import new_id


@dataclass(frozen=True)
class RecordConsent:
    """A decision made at `at` (None: now)."""

    customer_id: UUID
    purpose: str
    channel: ConsentChannel
    decision: ConsentDecision
    at: datetime | None
    source: str
    evidence: str | None


async def record_consent(command: RecordConsent, work: Work, valuation: Valuation) -> Consent:
    """Append the decision, and tell the others if it changes what holds: an older one that arrives late does not.

    Raises what `customers.lock` does, `UnknownPurposeError`, `ConsentAtOutOfRangeError`.
    """
    at = command.at or work.now
    check_consent(command.purpose, at, work.now, valuation.ledger.clock_tolerance_seconds)
    locked = await standings.lock_many(work, [command.customer_id])
    await customers.lock(work, command.customer_id)
    held = in_force(await consents.in_force(work, command.customer_id))
    added = Consent(
        id=new_id(),
        customer_id=command.customer_id,
        purpose=command.purpose,
        channel=command.channel,
        decision=command.decision,
        at=at,
        source=command.source,
        evidence=command.evidence,
        recorded_at=work.now,
    )
    await consents.add(work, added)
    topic = (added.purpose, added.channel)
    before, now = held.get(topic), in_force([*held.values(), added])[topic]
    if before is None or before.decision != now.decision:
        standing = locked[command.customer_id]
        standing.happened(
            ConsentChanged,
            work.now,
            purpose=now.purpose,
            channel=now.channel,
            decision=now.decision,
            decided_at=now.at,
        )
        await standings.save_many(work, [standing])
    return added
