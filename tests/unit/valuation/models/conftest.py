"""The CDNOW sample as the papers use it: 2,357 customers, 39 weeks of calibration."""

from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from services.valuation.domain.models.histories import Histories, Spends

CDNOW = Path(__file__).parents[4] / "careloop" / "sample" / "data" / "cdnow_sample.txt"
CALIBRATION_END = date(1997, 9, 30)


@pytest.fixture(scope="session")
def cdnow() -> tuple[Histories, Spends]:
    """Purchases in weeks, and spends in dollars."""
    spend: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for line in CDNOW.read_text().splitlines():
        _, customer, day, _, amount = line.split()
        on = datetime.strptime(day, "%Y%m%d").date()
        if on <= CALIBRATION_END:
            spend[customer][on] += float(amount)
    rows = []
    for days in spend.values():
        first, *repeats = sorted(days)
        last = repeats[-1] if repeats else first
        average = sum(days[day] for day in repeats) / len(repeats) if repeats else 0.0
        rows.append((len(repeats), (last - first).days / 7, (CALIBRATION_END - first).days / 7, average))
    x, t_x, age, average_spend = np.array(rows).T
    return Histories.of(x, t_x, age), Spends.of(x, average_spend)
