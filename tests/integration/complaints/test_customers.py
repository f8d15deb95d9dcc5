"""A customer who is merged or erased, as far as complaints keeps anything of them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.complaints.messaging.inbound import SUBSCRIPTIONS
from shared.contracts import valuation
from shared.contracts.base import Contract
from shared.events.envelope import Envelope
from shared.kernel.context import Actor

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
WORD = "secret-word"


async def tell(service: Any, told: Contract, key: UUID) -> None:
    envelope = Envelope(
        id=uuid4(),
        source="valuation",
        type=told.TYPE,
        key=key,
        sequence=3,
        occurred_at=AT,
        correlation_id=uuid4(),
    )
    [subscription] = [one for one in SUBSCRIPTIONS if one.contract is type(told)]
    await service.database.run(
        lambda work: subscription.handle(work, envelope, told), actor=Actor("system", "events")
    )


async def words(service: Any) -> str:
    async with service.database.session() as session:
        found = []
        for table in ("complaints", "complaint_contacts", "complaint_timeline", "messages"):
            rows = await session.connection.fetch(f"SELECT t::text AS row FROM {table} AS t")
            found += [row["row"] for row in rows]
        kept = await session.connection.fetch(
            "SELECT convert_from(body, 'UTF8') AS row FROM idempotency_keys"
        )
    return "\n".join([*found, *(row["row"] for row in kept)])


async def test_complaints_of_a_merged_account_are_the_survivors(
    service: Any, desk: Any, customer_id: str
) -> None:
    survivor = uuid4()
    case = await desk.file(customer_id=customer_id)
    other = await desk.file(customer_id=str(uuid4()))
    merged = valuation.CustomerMergedV1(
        customer_id=uuid4(), survivor_id=survivor, earlier_ids=[UUID(customer_id)], merged_at=AT
    )
    for _ in range(2):
        await tell(service, merged, merged.customer_id)
    own = desk.customer(str(survivor))
    assert (await case.read(headers=own))["customer_id"] == str(survivor)
    assert (await desk.http.get(other.path, headers=own)).status_code == 404


async def test_after_an_erasure_no_contact_and_no_word_of_the_customer_is_left(
    service: Any, desk: Any, mail: Any, customer_id: str
) -> None:
    contact = {"name": WORD, "email": "a@example.com", "phone": "+86 10 1234"}
    case = await desk.file(
        customer_id=customer_id,
        description=WORD,
        external_number=WORD,
        contact=contact,
        headers={"Idempotency-Key": "once"},
    )
    await case.do("assignment", owner_id="agent-7")
    await case.do("investigation-notes", text=WORD)
    await case.do("response", channel="email", by_mail=True, text=WORD)
    assert WORD in await words(service)
    erased = valuation.CustomerErasedV1(customer_id=uuid4(), earlier_ids=[UUID(customer_id)], erased_at=AT)
    for _ in range(2):
        await tell(service, erased, erased.customer_id)
    left = await words(service)
    assert WORD not in left
    assert "a@example.com" not in left
    assert "10 1234" not in left
    seen = await case.read()
    assert (seen["status"], seen["description"]) == ("investigating", "")
    # What was queued has no address any more: it is given up, and the loop goes on.
    while await mail.run_once():
        pass
    assert {message["status"] for message in await case.messages()} <= {"delivered", "failed"}


async def test_otherwise_the_timeline_still_refuses_to_change(service: Any, desk: Any) -> None:
    case = await desk.owned()
    await case.do("investigation-notes", text=WORD)
    async with service.database.session() as session:
        for change in ("SET text = 'another'", "SET kind = kind, text = NULL, actor_id = 'x'"):
            with pytest.raises(asyncpg.exceptions.RestrictViolationError):
                await session.connection.execute(f"UPDATE complaint_timeline {change}")
        with pytest.raises(asyncpg.exceptions.RestrictViolationError):
            await session.connection.execute("DELETE FROM complaint_timeline")
