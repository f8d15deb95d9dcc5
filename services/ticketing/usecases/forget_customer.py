"""A customer was erased: every word on their tickets is blanked; numbers, codes and steps stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.ticketing.persistence import customer_tickets
from shared.db.work import Work
from shared.web.idempotency import forget_answers


@dataclass(frozen=True, kw_only=True)
class ForgetCustomer:
    """The customer's ids: the account's, and those of the accounts that went into it."""

    customer_ids: Sequence[UUID]


async def forget_customer(command: ForgetCustomer, work: Work) -> None:
    """Hearing of it twice changes nothing more."""
    blanked = await customer_tickets.blank(work, command.customer_ids)
    await forget_answers(work, [str(one) for one in (*command.customer_ids, *blanked)])
