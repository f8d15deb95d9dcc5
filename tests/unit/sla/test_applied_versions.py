"""A later version applied to subjects that run: a line of the ledger, read by the same fold (sla.md §4)."""

from dataclasses import replace
from typing import Any

import pytest

from services.sla.domain.catalogue import Catalogue, CatalogueTooOldError


def versions(lab: Any, before: Any, after: Any) -> tuple[Any, Any]:
    old = lab.policy(before, name="standard")
    new = lab.policy(after, name="standard", number=2, revision=2, effective_from=lab.at("14:00"))
    return old, new


def history(lab: Any, old: Any, new: Any) -> Any:
    ticket = lab.history(old)
    ticket.catalogue = Catalogue(2, [old, new], (lab.always, lab.office))
    return ticket


def apply(ticket: Any, version: Any, at: Any, **when: Any) -> None:
    ticket.happen("policy_changed", at, version_id=str(version.id), revision=version.revision, **when)


def test_version_that_was_not_applied_moves_nothing(lab: Any) -> None:
    old, new = versions(lab, lab.target(duration=8), lab.target(duration=2))
    ticket = history(lab, old, new)
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen("assigned", lab.at("15:00"))
    assert ticket.clock().due_at == lab.at("18:00")


def test_applied_version_never_convicts_the_past(lab: Any) -> None:
    old, new = versions(lab, lab.target(duration=8), lab.target(duration=2))
    ticket = history(lab, old, new)
    ticket.happen("opened", lab.at("10:00"))
    apply(ticket, new, lab.at("14:00"))
    assert ticket.clock().due_at == lab.at("15:00")
    assert ticket.clock().policy_version_id == new.id
    assert ticket.effects()[-1] == "sla resolution: retargeted"
    assert ticket.published[-1].reason == "policy"


def test_pauses_taken_before_stay_taken(lab: Any) -> None:
    old, new = versions(lab, lab.target(duration=8), lab.target(duration=10))
    ticket = history(lab, old, new)
    ticket.happen("opened", lab.at("08:00"))
    ticket.happen("waiting", lab.at("09:00"), waiting_on="customer")
    ticket.happen("resumed", lab.at("12:00"))
    apply(ticket, new, lab.at("14:00"))
    assert ticket.clock().due_at == lab.at("21:00")


def test_other_versions_of_the_same_revision_do_not_come_along(lab: Any) -> None:
    old, new = versions(lab, lab.target(duration=8), lab.target(duration=2))
    owning = lab.target("time_to_own", 4)
    other = lab.policy(owning, name="teams", agreement="ola")
    newer = replace(
        lab.policy(lab.target("time_to_own", 1), name="teams", agreement="ola", number=2), revision=2
    )
    ticket = lab.history(old, other)
    ticket.catalogue = Catalogue(2, [old, new, other, newer], (lab.always,))
    ticket.happen("opened", lab.at("13:00"))
    apply(ticket, new, lab.at("14:00"))
    assert ticket.clock("time_to_own", "ola").policy_version_id == other.id


def test_metric_first_promised_by_the_applied_version_counts_from_the_start(lab: Any) -> None:
    old, new = versions(lab, lab.target(duration=8), lab.target("time_to_own", 6))
    ticket = history(lab, old, new)
    ticket.happen("opened", lab.at("10:00"))
    apply(ticket, new, lab.at("14:00"))
    owned = ticket.clock("time_to_own")
    assert (owned.started_at, owned.due_at) == (lab.at("10:00"), lab.at("17:00"))
    assert ticket.clock().run_state == "cancelled"


def test_clock_that_is_over_keeps_its_outcome(lab: Any) -> None:
    old, new = versions(lab, lab.target(duration=8), lab.target(duration=1))
    ticket = history(lab, old, new)
    ticket.happen("opened", lab.at("10:00"))
    ticket.happen("resolved", lab.at("13:00"))
    apply(ticket, new, lab.at("14:00"))
    assert ticket.clock().policy_version_id == old.id
    assert ticket.names()[-1] == "ClockMet"


def test_late_input_before_the_change_is_folded_under_the_version_of_then(lab: Any) -> None:
    old, new = versions(lab, lab.target(duration=8), lab.target(duration=2))
    ticket = history(lab, old, new)
    ticket.happen("opened", lab.at("10:00"))
    apply(ticket, new, lab.at("14:00"))
    ticket.happen("resolved", lab.at("13:00"), noticed_at=lab.at("14:30"))
    assert ticket.clock().policy_version_id == old.id
    assert ticket.clock().breached_at is None


def test_calendar_version_is_applied_the_same_way(lab: Any) -> None:
    old = lab.policy(lab.target(duration=8), calendar=lab.always)
    shorter = replace(lab.office, calendar_id=lab.always.calendar_id, number=2, revision=2)
    ticket = lab.history(old)
    ticket.catalogue = Catalogue(2, [old], (lab.always, shorter))
    ticket.happen("opened", lab.at("14:00"))
    ticket.happen("calendar_changed", lab.at("15:00"), version_id=str(shorter.id), revision=shorter.revision)
    assert ticket.clock().calendar_version_id == shorter.id
    assert ticket.published[-1].reason == "calendar"


def test_catalogue_that_is_too_old_is_an_error_and_not_another_date(lab: Any) -> None:
    old, new = versions(lab, lab.target(duration=8), lab.target(duration=2))
    ticket = history(lab, old, new)
    ticket.happen("opened", lab.at("10:00"))
    apply(ticket, new, lab.at("14:00"))
    assert ticket.subject.needed_revision == 2
    with pytest.raises(CatalogueTooOldError):
        ticket.subject.folded(Catalogue(1, [old], (lab.always,)))
