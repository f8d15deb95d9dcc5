"""Erase a customer on request: every name, contact and word goes; the ledger's figures stay, without a name."""

from dataclasses import dataclass
from uuid import UUID

from services.valuation.domain.events import CustomerErased
from services.valuation.persistence import customer_data, customers, departures, standings
from services.valuation.persistence.departures import Erasure, ErasureReason
from shared.db.work import Work
from shared.web.idempotency import forget_answers


@dataclass(frozen=True)
class EraseCustomer:
    customer_id: UUID
    reason: ErasureReason


async def erase_customer(command: EraseCustomer, work: Work) -> Erasure:
    """The proof, which names nobody. Others drop what they keep when they hear of it.

    Raises what `customers.lock` does.
    """
    locked = await standings.lock_many(work, [command.customer_id])
    customer = await customers.lock(work, command.customer_id)
    earlier = await departures.earlier_of(work, customer.id)
    ids = [customer.id, *earlier]
    names = [name for name in (customer.external_id, *earlier.values()) if name is not None]
    erased = await customer_data.erase(work, ids, names)
    forgotten = await forget_answers(work, [str(one) for one in ids])
    if forgotten:
        erased["idempotency_keys"] = forgotten
    erasure = Erasure(customer.id, tuple(earlier), command.reason, erased, work.now, str(work.actor))
    await departures.add_erasure(work, erasure)
    standing = locked[customer.id]
    standing.next_review_at = None
    standing.happened(CustomerErased, work.now, earlier_ids=erasure.earlier_ids)
    await standings.save_many(work, [standing])
    return erasure
