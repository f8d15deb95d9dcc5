"""Replays orders as weekly imports into the valuation service; tiers move as the weeks go by."""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

from careloop.sample.client import DemoRefusedError, SuiteClient
from careloop.sample.history import Purchase
from careloop.sample.timeline import Action

IMPORTS = "/valuation/v1/transaction-imports"
COLUMNS = ("external_id", "customer_external_id", "amount_minor", "currency", "occurred_at")
CURRENCY = "USD"
WEEK = timedelta(days=7)


def shifted(purchases: Sequence[Purchase], ends_before: date) -> list[Purchase]:
    """The same orders, all moved by whole days so that the last one is on the day before `ends_before`."""
    if not purchases:
        return []
    shift = ends_before - timedelta(days=1) - max(purchase.day for purchase in purchases)
    return [replace(purchase, day=purchase.day + shift) for purchase in purchases]


def weekly_imports(client: SuiteClient, purchases: Sequence[Purchase]) -> list[Action]:
    """One import for each week with orders, at midnight UTC after its last day; weeks begin with the first order.

    The last week ends with the last order, so that what begins on the day after finds all orders booked.
    """
    if not purchases:
        return []
    first = min(purchase.day for purchase in purchases)
    ends_before = max(purchase.day for purchase in purchases) + timedelta(days=1)
    weeks: dict[int, list[Purchase]] = defaultdict(list)
    for purchase in purchases:
        weeks[(purchase.day - first) // WEEK].append(purchase)
    return [
        Action(
            datetime.combine(min(first + (week + 1) * WEEK, ends_before), time(), UTC),
            week,
            partial(_import, client, weeks[week]),
            steps=len(weeks[week]),
        )
        for week in sorted(weeks)
    ]


async def _import(client: SuiteClient, purchases: Sequence[Purchase]) -> None:
    answer = await client.upload(IMPORTS, as_csv(purchases), "text/csv", register_customers="true")
    job: Mapping[str, object] = answer.body
    if job["state"] != "completed" or job["accepted"] != len(purchases):
        raise DemoRefusedError(f"of {len(purchases)} orders not all were booked: {dict(job)}")


def as_csv(purchases: Sequence[Purchase]) -> bytes:
    """The body of an import."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for one in sorted(purchases, key=lambda purchase: purchase.day):
        writer.writerow((one.external_id, one.customer, one.amount_minor, CURRENCY, one.day.isoformat()))
    return text.getvalue().encode()
