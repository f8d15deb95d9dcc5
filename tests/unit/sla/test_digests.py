"""When a digest is told, and how its parts are counted."""

from datetime import timedelta
from typing import Any

import pytest

from services.sla.domain.digests import DigestTarget, Waiting, target_id_of
from services.sla.domain.storm_caps import StormCaps

CAPS = StormCaps(window=timedelta(hours=1), digest_settle=timedelta(minutes=1))


@pytest.mark.parametrize(
    ("last_late", "told_window", "due"),
    [
        (None, None, "11:00"),
        ("10:05", None, "10:06"),
        ("10:05", "09:00", "10:06"),
        ("10:05", "10:00", "11:00"),
        ("10:05", "11:00", "11:00"),
        ("10:59:30", None, "11:00"),
    ],
    ids=[
        "above a cap: at the end of the window",
        "late: once it has settled",
        "told of an earlier window only",
        "told of this window before: not again before its end",
        "told of a later window",
        "settles after the end: at the end",
    ],
)
def test_when_a_digest_is_due(lab: Any, last_late: str | None, told_window: str | None, due: str) -> None:
    def at(text: str | None) -> Any:
        return None if text is None else lab.at(text)

    waiting = Waiting("lead", lab.at("10:00"), at(last_late), at(told_window))
    assert waiting.due_at(CAPS) == lab.at(due)


def test_parts_are_counted_within_a_window_and_events_over_all(lab: Any) -> None:
    target = DigestTarget(id=target_id_of("lead"), target="lead")
    for window, now in (("10:00", "10:06"), ("10:00", "11:00"), ("11:00", "11:30"), ("10:00", "11:31")):
        target.tell(lab.at(window), [], lab.at(now))
    told = [(event.sequence, event.window_start, event.part) for event in target.take_events()]
    assert told == [
        (1, lab.at("10:00"), 1),
        (2, lab.at("10:00"), 2),
        (3, lab.at("11:00"), 1),
        (4, lab.at("11:00"), 2),
    ], "what is committed late is told with the newer window, so that no part is told twice"
