"""Timers wait for a consumer that moves, and not for ever for one that does not."""

from typing import Any

import pytest

from services.sla.workers.horizon_hold import HorizonHold


@pytest.mark.parametrize(
    ("horizons", "over"),
    [([0, 0, 0], True), ([0, 1, 2], False), ([0, 0, 5], False), ([0, None, 0], False)],
)
def test_only_a_horizon_that_stands_still_is_given_up(lab: Any, horizons: Any, over: bool) -> None:
    now = lab.at("12:00")
    hold = HorizonHold(longest_seconds=10)
    for second, horizon in enumerate(horizons):
        seen = None if horizon is None else lab.at(f"0{horizon}:00") if horizon < 5 else now
        hold.saw(seen, now, monotonic=second * 6.0)
    assert hold.is_over(monotonic=len(horizons) * 6.0) == over
