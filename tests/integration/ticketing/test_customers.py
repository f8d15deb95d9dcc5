"""A customer who is merged or erased, as far as ticketing keeps anything of them."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from shared.contracts import valuation

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
SURVIVOR, EARLIER = uuid4(), uuid4()
WORD = "秘密secret"


async def test_tickets_of_a_merged_account_are_the_survivors_live_ones_with_an_event(
    desk, neighbours, stored
) -> None:
    live = await desk.open(customer_id=str(EARLIER))
    done = await desk.do(await desk.open(), ("resolution", {"resolution_code": "fixed"}), "closure")
    other = await desk.open(customer_id=str(uuid4()))
    merged = valuation.CustomerMergedV1(
        customer_id=UUID(done["customer_id"]), survivor_id=SURVIVOR, earlier_ids=[EARLIER], merged_at=AT
    )
    record = neighbours.record(merged, merged.customer_id, 5)
    await neighbours.tell(record)
    await neighbours.tell(record, neighbours.record(merged, merged.customer_id, 5))
    for ticket in (live, done):
        assert (await desk.get(ticket))["customer_id"] == str(SURVIVOR)
    assert (await desk.get(other))["customer_id"] == other["customer_id"]
    told = await stored.rows(
        "SELECT key FROM outbox WHERE type = 'ticketing.ticket_customer_changed.v1' ORDER BY id"
    )
    assert [str(row["key"]) for row in told] == [live["id"]]
    own = desk.of("customer", customer_id=str(SURVIVOR))
    assert len(await desk.find(headers=own)) == 2


async def test_after_an_erasure_no_word_of_the_customer_is_left_in_any_table(
    desk, neighbours, stored
) -> None:
    key = {"Idempotency-Key": "once"}
    body = {"customer_id": str(EARLIER), "channel": "phone", "subject": WORD, "description": WORD}
    opened = await desk.http.post("/tickets", json=body | {"external_number": WORD}, headers=key)
    ticket = await desk.do(
        opened.json(),
        ("messages", {"visibility": "public", "text": WORD}),
        ("resolution", {"resolution_code": "fixed", "remark": WORD}),
        "closure",
        ("follow-up", {"csat": 1, "comment": WORD}),
    )
    kept = await desk.open(subject=WORD)
    assert len(await desk.find(q="secret")) == 2
    erased = valuation.CustomerErasedV1(customer_id=SURVIVOR, earlier_ids=[EARLIER], erased_at=AT)
    await neighbours.tell(neighbours.record(erased, SURVIVOR, 9))
    seen = await desk.get(ticket)
    assert (seen["number"], seen["status"], seen["subject"], seen["description"]) == (
        *(ticket["number"], "closed"),
        *("", ""),
    )
    assert await desk.find(q="secret") == [kept["number"]]
    for table in ("tickets", "timeline", "follow_ups"):
        column = "id" if table == "tickets" else "ticket_id"
        rows = await stored.rows(f"SELECT t::text AS row FROM {table} AS t WHERE {column} = '{ticket['id']}'")
        assert rows
        assert not any(WORD in row["row"] for row in rows)
    answers = await stored.rows("SELECT convert_from(body, 'UTF8') AS body FROM idempotency_keys")
    assert answers == []
