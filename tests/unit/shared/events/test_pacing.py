"""An idle loop spares looks that cannot find anything."""

import pytest

from shared.events import pacing
from shared.events.pacing import BUSY_SECONDS, IDLE_SECONDS, Pace, Wake


class Hands:
    """Monotonic time that the test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(pacing, "time", hands)
    return hands


def test_the_first_look_and_the_one_after_a_full_batch_are_due(hands: Hands) -> None:
    pace = Pace(Wake())
    assert pace.is_due()
    pace.looked(found=True, more=True)
    assert pace.is_due()


def test_right_after_an_exhaustive_look_none_is_due_until_time_passes_or_somebody_wakes(hands: Hands) -> None:
    wake = Wake()
    pace = Pace(wake)
    assert pace.is_due()
    pace.looked(found=True, more=False)
    assert not pace.is_due()
    hands.seconds += BUSY_SECONDS
    assert pace.is_due()
    pace.looked(found=False, more=False)
    wake.set()
    wake.clear()
    assert pace.is_due(), "clearing the signal does not forget that it rang"


def test_a_look_that_failed_is_due_again(hands: Hands) -> None:
    pace = Pace(Wake())
    assert pace.is_due()
    assert pace.is_due()


def test_after_ten_idle_seconds_looks_become_rarer_and_work_makes_them_frequent_again(hands: Hands) -> None:
    pace = Pace(Wake())
    assert pace.poll_seconds == BUSY_SECONDS
    hands.seconds += 10.5
    pace.looked(found=False, more=False)
    assert pace.poll_seconds == IDLE_SECONDS
    pace.looked(found=True, more=False)
    assert pace.poll_seconds == BUSY_SECONDS
