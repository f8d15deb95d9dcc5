"""The ledger cut in two: what refunds left of purchases, by local day, told or held out."""

from datetime import date
from typing import Any

from services.valuation.domain.models.grading import grade
from services.valuation.domain.models.sufficiency import Counts
from services.valuation.persistence.held_out_purchases import held_out

CALIBRATION_END, END = date(2026, 1, 31), date(2026, 2, 28)


async def cut(house: Any) -> Any:
    async with house.service.database.transaction() as session:
        return await held_out(session, CALIBRATION_END, END)


async def book(client: Any, customer: str, external_id: str, day: str, amount: int, **more: Any) -> None:
    entry = {
        "external_id": external_id,
        "customer_id": customer,
        "occurred_at": day,
        "amount_minor": amount,
        **more,
    }
    answer = await client.post("/transactions", json=entry)
    assert answer.status_code == 201, answer.text


async def test_the_ledger_is_cut_as_refunds_left_it(house: Any) -> None:
    async with house.client() as client:
        first, second, late = [
            (await client.post("/customers", json={"external_id": name})).json()["id"] for name in "abc"
        ]
        await book(client, first, "1", "2026-01-01", 1000)
        await book(client, first, "2", "2026-01-11", 300)
        await book(client, first, "3", "2026-01-11", 200)
        await book(client, first, "4", "2026-02-01", 700)
        await book(client, first, "5", "2026-02-20", 50)
        await book(client, first, "6", "2026-02-20", 50, kind="refund", corrects_external_id="5")
        await book(client, first, "7", "2026-03-01", 9000)
        await book(client, second, "8", "2026-01-31", 400)
        await book(client, late, "9", "2026-02-02", 100)
    found = await cut(house)
    assert found.frequency.tolist() == [1, 0]
    assert found.recency.tolist() == [10, 0]
    assert found.age.tolist() == [30, 0]
    assert found.spent.tolist() == [1500, 400]
    assert found.average_spend.tolist() == [500, 0]
    assert found.later_purchases.tolist() == [1, 0]
    assert found.later_spend.tolist() == [700, 0]
    assert found.horizon == 28
    assert found.counts() == Counts(customers=2, repeaters=1, history_days=30, held_out_purchases=1)


async def test_an_empty_ledger_has_no_grade(house: Any) -> None:
    found = grade(await cut(house))
    assert found.letter is None
    assert found.reasons
