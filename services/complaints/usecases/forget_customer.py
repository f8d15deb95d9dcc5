"""A customer was erased: contacts, messages and every word of theirs are blanked; codes and instants stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.complaints.persistence import customer_complaints
from shared.db.work import Work
from shared.web.idempotency import forget_answers


@dataclass(frozen=True, kw_only=True)
class ForgetCustomer:
    """The customer's ids: the account's, and those of the accounts that went into it."""

    customer_ids: Sequence[UUID]


async def forget_customer(command: ForgetCustomer, work: Work) -> None:
    """A message that is still queued has no address any more and is given up. Hearing of it twice changes nothing."""
    blanked = await customer_complaints.blank(work, command.customer_ids)
    await forget_answers(work, [str(one) for one in (*command.customer_ids, *blanked)])
