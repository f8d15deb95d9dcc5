"""What a preview says of a draft is what applying it does: the same ledger, with one line more, gives the same."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from services.sla.domain.catalogue import Catalogue
from services.sla.domain.ledger import EntryKind
from services.sla.domain.metrics import SubjectKind
from services.sla.domain.preview import EDGES, Assumption, OpenSubject, Tally, preview

HISTORIES: dict[str, Sequence[tuple[str, str, dict[str, Any]]]] = {
    "opened": [],
    "paused": [("waiting", "10:00", {"waiting_on": "customer"})],
    "paused and resumed": [("waiting", "10:00", {"waiting_on": "customer"}), ("resumed", "12:00", {})],
    "reprioritised": [("prioritised", "11:00", {"priority": "low"})],
    "resolved and reopened": [("resolved", "10:00", {}), ("reopened", "12:30", {})],
    "resolved": [("resolved", "10:00", {})],
}


def described(tally: Tally) -> tuple[int, ...]:
    return tally.clocks, tally.unmoved, tally.newly_breached, tally.saved, *tally.moves


@pytest.mark.parametrize("name", HISTORIES)
@pytest.mark.parametrize("duration", [1, 4, 8, 12])
@pytest.mark.parametrize("noticed", [{}, {"notice": 0}])
def test_preview_moves_each_due_date_as_applying_does(
    lab: Any, name: str, duration: int, noticed: dict[str, Any]
) -> None:
    old = lab.policy(lab.target(duration=4))
    new = lab.policy(lab.target(duration=duration, **noticed), number=2, revision=2)
    ticket = lab.history(old)
    ticket.catalogue = Catalogue(2, [old, new], (lab.always,))
    ticket.happen("opened", lab.at("09:00"))
    for kind, at, data in HISTORIES[name]:
        ticket.happen(kind, lab.at(at), **data)
    now = lab.at("14:00")
    subject = OpenSubject(ticket.subject.id, SubjectKind.TICKET, 1, tuple(ticket.subject.entries))
    tally = preview(
        [subject], ticket.catalogue, new.id, EntryKind.POLICY_CHANGED, Assumption.APPLIED_NOW, now
    )
    if name == "resolved":
        assert tally.clocks == 0
        return
    before = ticket.clock().due_at
    ticket.happen("policy_changed", now, version_id=str(new.id), revision=2)
    after = ticket.clock().due_at
    assert tally.clocks == 1
    if before is None or after is None:
        return  # paused: the preview tells when it would be due if it went on now
    if before == after:
        assert tally.unmoved == 1
        return
    (bucket,) = [place for place, clocks in enumerate(tally.moves) if clocks]
    seconds = (after - before) / timedelta(seconds=1)
    assert bucket == 0 or EDGES[bucket - 1] < seconds
    assert bucket == len(EDGES) or seconds <= EDGES[bucket]
    overdue_before, overdue_after = before <= now, after <= now
    assert tally.newly_breached == int(overdue_after and not overdue_before)
    assert tally.saved == int(overdue_before and not overdue_after)


def test_parts_add_up_to_the_whole(lab: Any) -> None:
    old = lab.policy(lab.target(duration=4))
    new = lab.policy(lab.target(duration=6), number=2, revision=2)
    catalogue = Catalogue(2, [old, new], (lab.always,))
    subjects = []
    for place in range(5):
        ticket = lab.history(old)
        ticket.happen("opened", lab.at("09:00") + timedelta(hours=place))
        subjects.append(OpenSubject(ticket.subject.id, SubjectKind.TICKET, 1, tuple(ticket.subject.entries)))
    asked = (catalogue, new.id, EntryKind.POLICY_CHANGED, Assumption.APPLIED_NOW, lab.at("13:30"))
    whole, parts = preview(subjects, *asked), Tally()
    for subject in subjects:
        parts.add(preview([subject], *asked))
    assert described(parts) == described(whole)
    assert parts.saved_list == whole.saved_list
