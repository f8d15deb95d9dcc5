"""What is kept up event by event in the database equals a rebuild from its ledger, in any order of arrival."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from services.valuation.domain.ledger import Entry
from services.valuation.usecases.book_transactions import Booking, book_transactions
from services.valuation.workers.rebuild import rebuild_all
from shared.kernel.context import Actor
from shared.kernel.ids import new_id

ACTOR = Actor("admin", "test")
FIRST = datetime(2025, 1, 6, tzinfo=UTC)

Row = tuple[int, int, int, str, int, str]
ROWS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 400),
        st.integers(0, 20_000),
        st.sampled_from(["purchase", "purchase", "purchase", "loss", "refund", "correction"]),
        st.integers(0, 30),
        st.sampled_from(["USD", "USD", "EUR", "JPY"]),
    ),
    min_size=1,
    max_size=30,
)


def bookings(rows: list[Row], run: str) -> list[Booking]:
    made: list[Booking] = []
    for place, (customer, day, amount, kind, pick, currency) in enumerate(rows):
        amends = kind in ("refund", "correction")
        target = pick % len(rows)
        entry = Entry(
            external_id=f"{run}-{place}",
            kind=kind if amends else "purchase",  # type: ignore[arg-type]
            amount_minor=amount,
            currency=rows[target][5] if amends else currency,
            occurred_at=FIRST + timedelta(days=day),
            margin_minor=-amount if kind == "loss" else None,
            corrects_external_id=f"{run}-{target}" if amends else None,
        )
        made.append(Booking(entry, customer_external_id=f"{run}-c{customer}"))
    return made


async def test_incremental_state_equals_a_rebuild_for_random_orders_and_batches(house: Any) -> None:
    async with house.client() as client:
        for day, euro, yen in (("2025-01-01", "1.0347", "0.006361"), ("2025-07-01", "1.1712", "0.006943")):
            await client.put(f"/exchange-rates/EUR/{day}", json={"rate": euro})
            await client.put(f"/exchange-rates/JPY/{day}", json={"rate": yen})

    # The database grows with every example, so shrinking would cost more than it tells.
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
        database=None,
        phases=(Phase.generate,),
    )
    @given(ROWS, st.integers(1, 30), st.integers(0, 90))
    async def property_(rows: list[Row], batch: int, days: int) -> None:
        wanted, run = bookings(rows, str(new_id())), house.service.database
        for start in range(0, len(wanted), batch):
            await run.run(
                lambda work, start=start: book_transactions(
                    wanted[start : start + batch], work, house.valuation, register_customers=True
                ),
                actor=ACTOR,
            )
            await house.pass_days(days / 10)
        report = await rebuild_all(run, house.valuation, check=True)
        assert report.differences == []

    await _run(property_)


async def _run(check: Any) -> None:
    """Hypothesis calls plain functions: each example is run on this test's own event loop."""
    loop = asyncio.get_running_loop()
    inner = check.hypothesis.inner_test

    def synchronous(*args: Any, **kwargs: Any) -> None:
        asyncio.run_coroutine_threadsafe(inner(*args, **kwargs), loop).result(timeout=60)

    check.hypothesis.inner_test = synchronous
    await asyncio.to_thread(check)


async def test_a_check_names_what_differs_and_a_rebuild_repairs_it(house: Any) -> None:
    async with house.client() as client:
        for place in range(5):
            await client.post("/customers", json={"external_id": f"c{place}"})
            await client.post(
                "/transactions",
                json={
                    "external_id": f"t{place}",
                    "customer_external_id": f"c{place}",
                    "amount_minor": 12_000,
                    "occurred_at": "2026-03-01",
                },
            )
    async with house.service.database.transaction() as transaction:
        await transaction.connection.execute(
            "UPDATE standings SET margin_minor = 1, window_margin_minor = 0"
            " WHERE customer_id = (SELECT id FROM customers WHERE external_id = 'c1')"
        )
        await transaction.connection.execute(
            "UPDATE transactions SET net_amount_minor = 7 WHERE external_id = 't3'"
        )
    checked = await rebuild_all(house.service.database, house.valuation, check=True)
    assert (checked.customers, checked.transactions, checked.different) == (5, 5, 2)
    assert {difference.what.split()[0] for difference in checked.differences} >= {"rfm", "window", "net"}
    repaired = await rebuild_all(house.service.database, house.valuation, check=False)
    assert repaired.different == 2
    again = await rebuild_all(house.service.database, house.valuation, check=True)
    assert again.different == 0
    assert await house.value("SELECT min(margin_minor) FROM standings") == 3600


async def test_a_rebuild_goes_through_customers_in_batches(make_house: Any) -> None:
    house = await make_house(batch_rows=2)
    async with house.client() as client:
        for place in range(4):
            await client.post("/customers", json={"external_id": f"c{place}"})
    seen: list[int] = []
    report = await rebuild_all(
        house.service.database,
        house.valuation,
        check=True,
        on_progress=lambda one: seen.append(one.customers),
    )
    assert report.customers == 4
    assert seen[:3] == [2, 4, 4]
