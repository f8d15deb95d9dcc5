"""From what other services publish to this service's commands: the map of what sla consumes."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.sla.domain.ledger import EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.messaging.translation import COMPLAINTS, TICKETING, Producer, Translation
from services.sla.persistence import customer_store
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases.record_input import RecordInput, record_input
from services.sla.usecases.record_merge import RecordMerge, record_merge
from services.sla.usecases.record_tier import RecordTier, record_tier
from services.sla.usecases.subject_batch import SubjectBatch
from shared.contracts import ticketing, valuation
from shared.contracts.base import Contract
from shared.db.work import Work
from shared.events.consumer import Subscription
from shared.events.envelope import Envelope

Arrived = Sequence[tuple[Envelope, Any]]
Handle = Callable[[Work, Envelope, Any], Awaitable[None]]


class Inbound:
    """Handlers with what they need; `tolerance` is how far back a claimed instant is believed."""

    def __init__(self, catalogues: Catalogues, tolerance: timedelta) -> None:
        self._catalogues = catalogues
        self._tolerance = tolerance

    def subscriptions(self) -> list[Subscription]:
        """One a contract. Those of one producer are prepared together: one lock statement a batch."""
        subscriptions = []
        for producer in (TICKETING, COMPLAINTS):
            prepare = self._preparing(producer)
            for contract, translation in producer.translations.items():
                handle = self._handling(producer, translation)
                if contract is ticketing.TicketMergedV1:
                    handle = self._merge
                subscriptions.append(Subscription(contract, handle, prepare))
        tiers = (valuation.CustomerRegisteredV1, valuation.CustomerTierChangedV1)
        return [*subscriptions, *(Subscription(one, self._tier, self._prepare_tiers) for one in tiers)]

    def _preparing(self, producer: Producer) -> Callable[[Work, Arrived], Awaitable[None]]:
        async def prepare(work: Work, arrived: Arrived) -> None:
            kinds: dict[UUID, SubjectKind] = {}
            customers: set[UUID] = set()
            reopened: set[UUID] = set()
            for _, payload in arrived:
                kinds[producer.subject_id(payload)] = producer.subject_kind
                if isinstance(payload, ticketing.TicketMergedV1):
                    kinds[payload.into_ticket_id] = producer.subject_kind
                if producer.translations[type(payload)].kind is EntryKind.REOPENED:
                    reopened.add(producer.subject_id(payload))
                customer_of = producer.translations[type(payload)].customer
                customer_id = None if customer_of is None else customer_of(payload)
                if customer_id is not None:
                    customers.add(customer_id)
            customers |= await customer_store.of_subjects(work, reopened)
            tiers = await customer_store.share(work, customers)
            await SubjectBatch.load(work, len(arrived), kinds, tiers)

        return prepare

    def _handling(self, producer: Producer, translation: Translation) -> Handle:
        async def handle(work: Work, envelope: Envelope, payload: Any) -> None:
            command = _input(producer, translation, envelope, payload)
            await record_input(command, work, catalogues=self._catalogues, tolerance=self._tolerance)

        return handle

    async def _merge(self, work: Work, envelope: Envelope, payload: ticketing.TicketMergedV1) -> None:
        translation = TICKETING.translations[ticketing.TicketMergedV1]
        command = RecordMerge(
            merged=_input(TICKETING, translation, envelope, payload),
            into_id=payload.into_ticket_id,
            same_customer=payload.same_customer,
        )
        await record_merge(command, work, catalogues=self._catalogues, tolerance=self._tolerance)

    async def _prepare_tiers(self, work: Work, arrived: Arrived) -> None:
        tiers = await customer_store.lock(work, {payload.customer_id for _, payload in arrived})
        kinds: dict[UUID, SubjectKind] = {}
        for _, payload in arrived:
            kinds |= await customer_store.concerned_subjects(
                work, payload.customer_id, _effective_at(payload)
            )
        await SubjectBatch.load(work, len(arrived), kinds, tiers)

    async def _tier(self, work: Work, envelope: Envelope, payload: Any) -> None:
        command = RecordTier(
            customer_id=payload.customer_id,
            tier=payload.tier,
            effective_at=_effective_at(payload),
            recorded_at=envelope.occurred_at,
            sequence=envelope.sequence,
            event_id=envelope.id,
        )
        await record_tier(command, work, catalogues=self._catalogues)


def _input(
    producer: Producer, translation: Translation, envelope: Envelope, payload: Contract
) -> RecordInput:
    return RecordInput(
        subject_id=producer.subject_id(payload),
        kind=translation.kind,
        source=envelope.source,
        sequence=envelope.sequence,
        event_id=envelope.id,
        recorded_at=envelope.occurred_at,
        claimed_at=None if translation.claimed is None else translation.claimed(payload),
        data=translation.data(payload),
        numbers=(getattr(payload, "number", None), getattr(payload, "external_number", None)),
    )


def _effective_at(payload: Any) -> Any:
    if isinstance(payload, valuation.CustomerRegisteredV1):
        return payload.registered_at
    return payload.effective_at
