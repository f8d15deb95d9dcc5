"""The real CDNOW sample through the API, week by week, as the demo sends it."""

import os
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.valuation.workers.rebuild import rebuild_all

ROOT = Path(__file__).parents[3]
NAME = "cdnow_sample.txt"
PLACES = (ROOT / "careloop" / "sample" / "data" / NAME, ROOT.parent / "shared" / "data" / NAME)
FIRST_DAY = date(1997, 1, 1)
CALIBRATION_WEEKS = 39


def weekly_bodies() -> dict[int, str]:
    """CSV by week from the first day on."""
    path = next((place for place in PLACES if place.exists()), None)
    if path is None:
        reason = f"the CDNOW sample is at none of {', '.join(map(str, PLACES))}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    weeks: dict[int, list[str]] = defaultdict(list)
    for number, line in enumerate(path.read_text().splitlines()):
        _, customer, day, _, amount = line.split()
        on = datetime.strptime(day, "%Y%m%d").date()
        cents = int(Decimal(amount) * 100)
        weeks[(on - FIRST_DAY).days // 7].append(f"cdnow-{number},{customer},{on},{cents}")
    header = "external_id,customer_external_id,occurred_at,amount_minor\n"
    return {week: header + "\n".join(lines) + "\n" for week, lines in sorted(weeks.items())}


async def test_thirty_nine_weeks_give_the_published_totals_and_concentration(make_house: Any) -> None:
    house = await make_house(datetime(1997, 1, 1, tzinfo=UTC), default_margin_rate=1)
    accepted = 0
    async with house.client() as client:
        for week, body in weekly_bodies().items():
            if week >= CALIBRATION_WEEKS:
                break
            await house.advance(datetime(1997, 1, 1, tzinfo=UTC) + timedelta(weeks=week + 1))
            done = await client.post(
                "/transaction-imports",
                content=body,
                headers={"Content-Type": "text/csv"},
                params={"register_customers": True},
            )
            assert (done.status_code, done.json()["rejected"]) == (200, 0)
            accepted += done.json()["accepted"]
        summary = (await client.get("/tiers")).json()
    assert accepted == await house.value("SELECT count(*) FROM transactions")
    assert summary["customers"] == 2357
    assert summary["realised_value_minor"] == 17_311_555
    assert round(100 * summary["concentration"]["value_share"], 1) == 63.3
    assert await house.value("SELECT sum(purchase_days - 1) FROM standings") == 2457
    report = await rebuild_all(house.service.database, house.valuation, check=True)
    assert (report.customers, report.different) == (2357, 0)
