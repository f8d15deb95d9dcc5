"""Probe results make outages by the declared rule."""

from datetime import UTC, datetime, timedelta

import pytest

from services.sla.domain.availability.objective import ProbeRule
from services.sla.domain.availability.probes import probed_outages, runs_of

START = datetime(2026, 3, 2, 8, tzinfo=UTC)

CASES: dict[str, tuple[dict[str, str], ProbeRule, list[tuple[int, int]]]] = {
    # one result a minute and probe: + good, - bad, . none; outages as minutes
    "three bad in a row": ({"a": "++---++"}, ProbeRule(), [(2, 5)]),
    "two are not enough": ({"a": "++--+--+"}, ProbeRule(), []),
    "one is enough where it is said so": ({"a": "+-+"}, ProbeRule(bad_in_a_row=1), [(1, 2)]),
    "two good ones end it": ({"a": "---+-++"}, ProbeRule(good_in_a_row=2), [(0, 5)]),
    "lasts up to the last result": ({"a": "+----"}, ProbeRule(), [(1, 4)]),
    "silence is no outage": ({"a": "----......+"}, ProbeRule(), [(0, 3)]),
    "silence parts what is in a row": ({"a": "--......--"}, ProbeRule(), []),
    "a gap within the silence does not": ({"a": "--..--+"}, ProbeRule(), [(0, 6)]),
    "each probe by itself": ({"a": "--+", "b": "+--"}, ProbeRule(), []),
    "any probe": ({"a": "---+++", "b": "+++++++"}, ProbeRule(), [(0, 3)]),
    "a quorum at once": ({"a": "----++", "b": "+----+"}, ProbeRule(quorum=2), [(1, 4)]),
    "nothing at all": ({}, ProbeRule(), []),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_probes_in_a_row_make_an_outage(name: str) -> None:
    probes, rule, expected = CASES[name]
    results = [
        (probe, START + timedelta(minutes=minute), result == "+")
        for probe, written in probes.items()
        for minute, result in enumerate(written)
        if result != "."
    ]
    found = probed_outages(runs_of(results, rule), rule)
    minute = timedelta(minutes=1)
    assert [((one.start - START) // minute, (one.end - START) // minute) for one in found] == expected
