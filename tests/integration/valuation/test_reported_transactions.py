"""Transactions reported by event: booked as those of the API are, each once, and refused by name."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.valuation.workers.rebuild import rebuild_all
from shared.contracts.billing import TransactionReportedV1
from shared.events.consumer import Consumer
from shared.events.envelope import Envelope, to_headers
from shared.events.transport import OutgoingRecord
from shared.kernel.ids import derived_id, new_id

AT = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)


def record(customer: str, place: int, event_id: UUID | None = None, **facts: Any) -> OutgoingRecord:
    """The `place`-th transaction of a customer, as a billing system would tell it."""
    key = derived_id("billing account", customer)
    envelope = Envelope(
        id=event_id or new_id(),
        source="billing",
        type=TransactionReportedV1.TYPE,
        key=key,
        sequence=place,
        occurred_at=AT,
        correlation_id=new_id(),
    )
    given: dict[str, Any] = {
        "external_id": f"{customer}-{place}",
        "amount_minor": 1000,
        "currency": "USD",
        "occurred_at": AT + timedelta(days=place),
    }
    if "customer_id" not in facts:
        given["customer_external_id"] = customer
    # What others send was not checked here.
    payload = TransactionReportedV1.model_construct(**{**given, **facts})
    body = payload.model_dump_json(exclude_unset=True, warnings=False).encode()
    return OutgoingRecord("billing.events", str(key), to_headers(envelope), body)


async def registered(house: Any, *names: str) -> None:
    async with house.client() as client:
        for name in names:
            assert (await client.post("/customers", json={"external_id": name})).status_code == 201


async def dead_letters(house: Any) -> list[str]:
    async with house.service.database.session() as session:
        rows = await session.connection.fetch("SELECT error_code FROM dead_letters ORDER BY id")
    return [row["error_code"] for row in rows]


async def test_reported_transactions_are_booked_and_published_with_their_cause(house: Any) -> None:
    await registered(house, "anna", "ben")
    causes = [new_id() for _ in range(4)]
    await house.tell(
        record("anna", 1, causes[0], amount_minor=20_000),
        record("ben", 1, causes[1]),
        record("anna", 2, causes[2], kind="refund", amount_minor=5_000, corrects_external_id="anna-1"),
        record("ben", 2, causes[3], product_kind="support", margin_minor=900),
    )
    assert await dead_letters(house) == []
    assert await house.value("SELECT sum(spend_minor)::bigint FROM standings") == 17_000
    assert await house.value("SELECT DISTINCT recorded_by FROM transactions") == "system:billing"
    published = [one for one in await house.events() if one["type"] != "valuation.customer_registered.v1"]
    by_cause = {cause: [one["type"] for one in published if one["causation_id"] == cause] for cause in causes}
    recorded, moved = "valuation.purchase_recorded.v1", "valuation.customer_tier_changed.v1"
    # What anna's transactions came to together follows from the last of them.
    assert by_cause == {
        causes[0]: [recorded],
        causes[1]: [recorded],
        causes[2]: [recorded, moved],
        causes[3]: [recorded, moved],
    }
    for key in {one["key"] for one in published}:
        sequences = [one["sequence"] for one in published if one["key"] == key]
        assert sequences == list(range(2, 2 + len(sequences)))


async def test_events_and_contents_told_again_change_nothing(house: Any) -> None:
    await registered(house, "anna")
    told = [record("anna", place) for place in range(1, 6)]
    await house.tell(*told, *told)
    before = await house.events()
    await house.tell(*told, *(record("anna", place) for place in range(1, 6)))
    assert await house.events() == before
    assert await house.value("SELECT count(*) FROM transactions") == 5
    assert await dead_letters(house) == []


BAD: list[tuple[dict[str, Any], str]] = [
    ({"amount_minor": -5}, "amount_out_of_range"),
    ({"amount_minor": 10**30}, "amount_out_of_range"),
    ({"margin_minor": 2000}, "margin_out_of_range"),
    ({"occurred_at": datetime(1969, 1, 1, tzinfo=UTC)}, "occurred_at_out_of_range"),
    ({"occurred_at": datetime(2027, 1, 1, tzinfo=UTC)}, "occurred_at_out_of_range"),
    ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at_out_of_range"),
    ({"occurred_at": "2026-02-01T00:00:00"}, "invalid_payload"),
    ({"currency": "EUR"}, "exchange_rate_missing"),
    ({"currency": "euro"}, "invalid_payload"),
    ({"customer_external_id": "nobody"}, "unknown_customer"),
    ({"customer_id": str(UUID(int=7)), "customer_external_id": "anna"}, "customer_not_named_once"),
    ({"customer_external_id": None}, "customer_not_named_once"),
    ({"kind": "refund"}, "corrected_transaction_missing"),
    ({"kind": "refund", "corrects_external_id": "unheard"}, "corrected_transaction_unknown"),
    ({"kind": "refund", "corrects_external_id": "ben-1"}, "not_a_purchase"),
    (
        {"kind": "refund", "amount_minor": 1001, "corrects_external_id": "anna-1"},
        "refund_exceeds_purchase",
    ),
    ({"external_id": "anna-1"}, "transaction_differs"),
    ({"kind": "gift"}, "invalid_payload"),
    ({"external_id": "a\x00b"}, "invalid_payload"),
]


@pytest.mark.parametrize(("facts", "code"), BAD)
async def test_what_cannot_be_booked_is_a_dead_letter_and_the_rest_is_booked(
    house: Any, facts: dict[str, Any], code: str
) -> None:
    await registered(house, "anna", "ben", "carl")
    await house.tell(record("anna", 1), record("ben", 1))
    await house.tell(
        record("carl", 1), record("anna", 2, **facts), record("anna", 3), record("carl", 2), record("ben", 2)
    )
    assert await dead_letters(house) == [code]
    # What came later with the same key waits behind it.
    assert await house.value("SELECT count(*) FROM transactions") == 5
    assert await house.value("SELECT count(*) FROM transactions WHERE external_id LIKE 'anna%'") == 1


async def test_a_dead_letter_is_booked_once_its_cause_is_gone(house: Any) -> None:
    await registered(house, "ben")
    await house.tell(record("anna", 1), record("ben", 1), record("anna", 2))
    assert await dead_letters(house) == ["unknown_customer"]
    await registered(house, "anna")
    async with house.client() as client:
        [letter] = (await client.get("/dead-letters")).json()["items"]
        replayed = await client.post(f"/dead-letters/{letter['id']}/replay")
    assert replayed.status_code == 200
    house.loop(Consumer).wake.set()
    while await house.loop(Consumer).run_once():
        house.loop(Consumer).wake.set()
    assert await house.value("SELECT count(*) FROM transactions") == 3
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert report.differences == []
