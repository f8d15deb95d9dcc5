"""The mail worker: what is queued is sent at least once, always under the same Message-ID, or given up."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from services.complaints.domain.contact import domain_of, is_email_address
from services.complaints.domain.message import Message, RetryPolicy
from services.complaints.persistence import message_store
from services.complaints.usecases.claim_messages import Claimed, ClaimMessages, claim_messages
from services.complaints.usecases.settle_message import SettleMessage, settle_message
from services.complaints.workers.mail_transport import Mail, MailNotAcceptedError, MailSession, MailTransport
from shared.db.database import Database
from shared.kernel import failpoints
from shared.kernel.context import Actor
from shared.kernel.signals import Signal

log = structlog.get_logger(__name__)

ACTOR = Actor("system", "complaints.mail")
BATCH = 20
POLL_SECONDS = 0.5

AFTER_CLAIM = failpoints.declare(
    "complaints.mail.after_claim", "claimed, not sent: the claim lapses, it is sent then"
)
AFTER_ACCEPT = failpoints.declare(
    "complaints.mail.after_accept",
    "accepted by the mail server, not recorded: sent again with the same Message-ID",
)
AFTER_SETTLE = failpoints.declare("complaints.mail.after_settle", "recorded: never sent again")


class MailWorker:
    """A `Loop` that sends queued messages in bounded batches.

    A message is claimed in one transaction and settled in another; nothing is locked while it is on the wire.
    `recipient_domains`: if any are given, mail to all others is refused here.
    """

    def __init__(
        self,
        database: Database,
        transport: MailTransport,
        *,
        retry: RetryPolicy,
        recipient_domains: frozenset[str] = frozenset(),
        batch: int = BATCH,
    ) -> None:
        self.name = f"{database.name}.mail"
        self.wake = Signal()
        self.poll_seconds = POLL_SECONDS
        self._database = database
        self._transport = transport
        self._retry = retry
        self._recipient_domains = recipient_domains
        self._batch = batch
        database.on_commit.append(self.wake.set)

    async def run_once(self) -> int:
        """Claim a batch, send it, settle each; how many were claimed."""
        # Every commit of the service wakes this loop: a look is cheaper than a claim that finds nothing.
        due_at = await self.next_due_at()
        if due_at is None or due_at > self._database.clock.now():
            return 0
        claimed = await self._database.run(
            lambda work: claim_messages(ClaimMessages(at_once=self._batch), work, self._retry), actor=ACTOR
        )
        if claimed:
            failpoints.hit(AFTER_CLAIM)
            await self._send_all(claimed)
        return len(claimed)

    async def next_due_at(self) -> datetime | None:
        """When the next message may be taken, or the earliest unsettled claim lapses."""
        async with self._database.session() as session:
            return await message_store.next_due_at(session)

    async def close(self) -> None:
        """Nothing is held between two batches."""

    async def _send_all(self, claimed: Sequence[Claimed]) -> None:
        async with self._transport.session() as session:
            for one in claimed:
                try:
                    await self._send(one, session)
                except MailNotAcceptedError as refused:
                    await self._settle(one.message, error=refused.code, is_final=refused.is_final)
                else:
                    failpoints.hit(AFTER_ACCEPT)
                    await self._settle(one.message)
                    failpoints.hit(AFTER_SETTLE)

    async def _send(self, claimed: Claimed, session: MailSession) -> None:
        message, address = claimed.message, claimed.address
        if message.attempts > self._retry.max_attempts:
            # Each earlier claim lapsed without a result: whatever kills its holder must not try for ever.
            raise MailNotAcceptedError("attempts_exhausted", is_final=True)
        if address is None:
            raise MailNotAcceptedError("address_gone", is_final=True)
        if not is_email_address(address):
            raise MailNotAcceptedError("address_invalid", is_final=True)
        if self._recipient_domains and domain_of(address) not in self._recipient_domains:
            raise MailNotAcceptedError("domain_not_allowed", is_final=True)
        await session.send(
            Mail(
                id=message.id,
                kind=message.kind,
                language=message.language,
                recipient=address,
                subject=message.subject,
                body=message.body,
                written_at=message.created_at,
            )
        )

    async def _settle(self, message: Message, *, error: str | None = None, is_final: bool = False) -> None:
        command = SettleMessage(
            complaint_id=message.complaint_id,
            message_id=message.id,
            attempt=message.attempts,
            error=error,
            is_final=is_final,
        )
        settled = await self._database.run(
            lambda work: settle_message(command, work, self._retry), actor=ACTOR
        )
        log.info(
            "mail_settled",
            message_id=str(message.id),
            kind=message.kind,
            status=settled.status,
            attempt=message.attempts,
            error=error,
        )
