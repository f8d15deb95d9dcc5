"""Erasure and export: nothing of a customer is left in any table, and every table says what it holds."""

import json
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.valuation.persistence.customer_holdings import HOLDINGS, WITHOUT_CUSTOMERS
from services.valuation.persistence.history import HISTORY
from services.valuation.workers.rebuild import rebuild_all
from shared.kernel.ids import new_id

EVENTS = ("outbox", "published_events")
TABLES = HISTORY.metadata.tables
EXTERNAL_IDS = ["acme-1", "gone-7"]
SECRETS = [
    *EXTERNAL_IDS,
    *("Acme Ltd", "li@acme.test", "Li Lei", "secret-label", "Asia/Shanghai", "form-17", "secret-grounds"),
]


def has_words(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.Text | JSONB | ARRAY | sa.LargeBinary) and not isinstance(
        getattr(column.type, "item_type", None), sa.Uuid
    )


def names_a_customer(column: sa.Column[Any]) -> bool:
    return column.name.endswith("customer_id") or any(
        key.column.table.name == "customers" for key in column.foreign_keys
    )


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_table_says_what_it_holds_of_customers(table: str) -> None:
    declared = [holding for holding in HOLDINGS if holding.table.name == table]
    assert bool(declared) != (table in WITHOUT_CUSTOMERS), (
        f"{table}: declare in persistence/customer_holdings.py what becomes of its rows when accounts are merged or "
        "a customer is erased, or why it holds nothing of customers"
    )
    columns = TABLES[table].columns
    if not declared:
        bound = {one.name for one in columns if any(one.foreign_keys) and names_a_customer(one)}
        assert not bound, f"{table}: {sorted(bound)} are of customers: declare it as a holding"
        return
    plain = {name for holding in declared for name in (*holding.personal, *holding.plain)}
    words = {one.name for one in columns if has_words(one)}
    assert plain >= words, f"{table}: say whether {sorted(words - plain)} are personal or plain"
    assert plain <= {one.name for one in columns}
    for holding in declared:
        assert holding.on_erasure != "keep" or not holding.personal, f"{table} keeps personal columns"


async def fill(client: Any) -> str:
    """A customer of whom something is kept in every table that can hold anything, with every answer stored."""

    async def send(method: str, path: str, body: Any, **headers: str) -> Any:
        sent = await client.request(
            method, path, json=body, headers={"Idempotency-Key": str(new_id()), **headers}
        )
        assert sent.status_code in (200, 201), sent.text
        return sent

    contacts = [{"kind": "email", "value": "li@acme.test"}]
    made = await send(
        "POST",
        "/customers",
        {"external_id": "acme-1", "display_name": "Acme Ltd", "contacts": contacts},
    )
    account: str = made.json()["id"]
    person = await send("POST", f"/customers/{account}/people", {"roles": ["user"], "name": "Li Lei"})
    born = {
        "kind": "birthday",
        "label": "secret-label",
        "person_id": person.json()["id"],
        "month": 3,
        "day": 4,
    }
    await send("POST", f"/customers/{account}/important-dates", born)
    await send("PUT", f"/customers/{account}/preferences", {"timezone": "Asia/Shanghai"})
    consent = {"purpose": "marketing", "channel": "email", "decision": "given", "source": "web_form"}
    await send("POST", f"/customers/{account}/consents", consent | {"evidence": "form-17"})
    purchase = {
        "external_id": "t1",
        "customer_external_id": "acme-1",
        "amount_minor": 9_000,
        "occurred_at": "2026-03-01",
    }
    await send("POST", "/transactions", purchase)
    contest = {"tier": "silver", "grounds": "secret-grounds"}
    await send("POST", f"/customers/{account}/tier-contests", contest)
    other = await send("POST", "/customers", {"external_id": "gone-7"})
    await send(
        "POST",
        f"/customers/{account}/merges",
        {"merged_customer_id": other.json()["id"]},
        **{"If-Match": made.headers["etag"]},
    )
    return account


async def everything(house: Any, *, but: tuple[str, ...] = ()) -> str:
    """All rows of all tables as text, stored answers included."""
    async with house.service.database.session() as session:
        found = []
        for name in TABLES.keys() - set(but):
            rows = await session.connection.fetch(f"SELECT t::text AS row FROM {name} AS t")
            found += [f"{name}: {row['row']}" for row in rows]
        bodies = await session.connection.fetch(
            "SELECT convert_from(body, 'UTF8') AS body FROM idempotency_keys"
        )
    return "\n".join([*found, *(row["body"] for row in bodies)])


async def test_after_an_erasure_no_table_holds_a_word_of_the_customer(house: Any) -> None:
    async with house.client() as client:
        account = await fill(client)
        await house.look()
        before = await everything(house)
        erased = await client.post(f"/customers/{account}/erasure", json={"reason": "customer_request"})
        record = await client.get(f"/customers/{account}/erasure")
    # What was published carries the integrator's own id of the customer, as its contract says, and no more.
    left, published = await everything(house, but=EVENTS), await everything(house)
    for secret in SECRETS:
        assert secret in before, f"{secret} was never kept: the test proves nothing for it"
        assert secret not in left
        assert secret not in published or secret in EXTERNAL_IDS
    assert erased.status_code == 201, erased.text
    assert erased.json()["erased"]["account_people"] == 1
    assert erased.json()["erased"]["idempotency_keys"] == 9
    assert erased.json()["erased_by"].startswith("admin:")
    assert record.json() == erased.json()
    last = (await house.events())[-1]
    assert (last["type"], str(last["key"])) == ("valuation.customer_erased.v1", account)
    assert len(json.loads(last["payload"])["earlier_ids"]) == 1


async def test_the_sums_of_the_ledger_stay_without_a_name(house: Any) -> None:
    async with house.client() as client:
        account = await fill(client)
        await client.post(f"/customers/{account}/erasure", json={})
        tiers = (await client.get("/tiers")).json()
        listed = (await client.get("/customers")).json()["items"]
    assert tiers["realised_value_minor"] == 2_700
    assert listed == []
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert (report.transactions, report.different) == (1, 0)


ON_ERASED = [
    ("GET", "", None),
    ("GET", "/profile", None),
    ("GET", "/export", None),
    ("GET", "/transactions", None),
    ("GET", "/tier-history", None),
    ("GET", "/tier/explanation", None),
    ("GET", "/values", None),
    ("POST", "/people", {"roles": ["user"], "name": "x"}),
    ("PUT", "/preferences", {}),
    ("POST", "/consents", {"purpose": "marketing", "channel": "sms", "decision": "given", "source": "x"}),
    ("POST", "/important-dates", {"kind": "other", "month": 1, "day": 1}),
    ("POST", "/erasure", {}),
    ("POST", "/merges", {"merged_customer_id": "00000000-0000-0000-0000-000000000001"}),
    ("PATCH", "", {"display_name": "back"}),
]


async def test_nothing_can_be_read_of_or_written_to_an_erased_customer(house: Any) -> None:
    async with house.client() as client:
        account = (await client.post("/customers", json={"external_id": "x"})).json()["id"]
        await client.post(f"/customers/{account}/erasure", json={})
        events = len(await house.events())
        for method, tail, body in ON_ERASED:
            refused = await client.request(
                method, f"/customers/{account}{tail}", json=body, headers={"If-Match": '"1"'}
            )
            assert (refused.status_code, refused.json()["code"]) == (404, "customer_erased"), (method, tail)
    assert len(await house.events()) == events


async def test_a_purchase_for_an_erased_customer_is_refused_by_its_id_and_its_old_name(house: Any) -> None:
    async with house.client() as client:
        account = (await client.post("/customers", json={"external_id": "x"})).json()["id"]
        await client.post(f"/customers/{account}/erasure", json={})
        purchase = {"external_id": "t", "amount_minor": 1, "occurred_at": "2026-03-01"}
        for named in ({"customer_id": account}, {"customer_external_id": "x"}):
            refused = await client.post("/transactions", json=purchase | named)
            assert (refused.status_code, refused.json()["code"]) == (422, "unknown_customer")
    assert await house.value("SELECT count(*) FROM transactions") == 0


async def test_imports_forget_what_they_called_an_erased_customer(make_house: Any) -> None:
    house = await make_house(import_inline_rows=0)
    async with house.client() as client:
        unknown = "external_id,customer_external_id,amount_minor,occurred_at\nt1,acme-1,5,2026-03-01\n"
        headers = {"Content-Type": "text/csv"}
        await client.post("/transaction-imports", content=unknown, headers=headers)
        await house.book_imports()
        account = (await client.post("/customers", json={"external_id": "acme-1"})).json()["id"]
        waiting = await client.post(
            "/transaction-imports?register_customers=true",
            content=unknown.replace("t1", "t2"),
            headers=headers,
        )
        assert "acme-1" in await everything(house, but=EVENTS)
        await client.post(f"/customers/{account}/erasure", json={})
        assert "acme-1" not in await everything(house, but=EVENTS)
        await house.book_imports()
        job = (await client.get(waiting.headers["location"].removeprefix("/valuation/v1"))).json()
    assert (job["state"], job["rejected"], job["accepted"]) == ("completed", 1, 0)
    assert await house.value("SELECT count(*) FROM customers") == 1


async def test_an_export_holds_everything_kept_of_the_customer_and_nobody_else(make_house: Any) -> None:
    house = await make_house(export_limit_rows=3)
    async with house.client() as client:
        account = await fill(client)
        await house.look()
        await client.post("/customers", json={"external_id": "stranger", "display_name": "Other"})
        exported = await client.get(f"/customers/{account}/export")
        for number in range(3):
            await client.post(
                "/transactions",
                json={
                    "external_id": f"m{number}",
                    "customer_id": account,
                    "amount_minor": 1,
                    "occurred_at": "2026-03-01",
                },
            )
        too_large = await client.get(f"/customers/{account}/export")
    async with house.client("customer", customer_id=account) as own:
        seen = await own.get(f"/customers/{account}/people")
    assert exported.status_code == 200, exported.text
    for secret in SECRETS:
        assert secret in exported.text
    assert "stranger" not in exported.text
    assert set(exported.json()["tables"]) == {holding.table.name for holding in HOLDINGS}
    assert "agent:" not in exported.text
    assert "admin" not in exported.text
    assert (too_large.status_code, too_large.json()["code"]) == (409, "export_too_large")
    assert seen.status_code == 200
