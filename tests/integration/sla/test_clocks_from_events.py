"""From events of other services to clocks, thresholds and published events."""

from collections import Counter
from typing import Any

import pytest

from shared.contracts import complaints, ticketing, valuation
from shared.kernel.ids import new_id


async def test_ticket_warns_breaches_and_escalates_at_the_exact_second(desk: Any) -> None:
    await desk.promise()
    ticket_id = await desk.open_ticket(external_number="INC0000045")
    await desk.advance("20:00")
    (clock,) = await desk.clocks()
    assert clock["subject_id"] == str(ticket_id)
    assert clock["subject_external_number"] == "INC0000045"
    assert clock["target"] == {"amount": 4, "unit": "business_hours"}
    assert (clock["policy"]["name"], clock["policy"]["version"]) == ("standard", 1)
    assert clock["calendar"]["name"] == "always"
    assert clock["started_at"] == "2026-03-02T08:00:00Z"
    assert clock["warned_at"] == "2026-03-02T10:00:00Z"
    assert clock["due_at"] == clock["breached_at"] == "2026-03-02T12:00:00Z"
    assert clock["state"] == "overdue"
    fired = await desk.rows("SELECT kind, threshold_at, fired_at FROM firings")
    assert all(row["threshold_at"] == row["fired_at"] for row in fired)
    assert [name for name, _ in await desk.published()] == [
        "clock_started",
        "clock_warned",
        "clock_breached",
        "escalation_due",
    ]
    assert not await desk.rows("SELECT id FROM timers")


async def test_events_of_a_subject_are_counted_together_without_gaps(desk: Any) -> None:
    await desk.promise(
        {"metric": "resolution", "duration": 4, "unit": "business_hours"},
        {"metric": "time_to_own", "duration": 30, "unit": "business_minutes"},
    )
    ticket_id = await desk.open_ticket()
    await desk.advance("09:00")
    await desk.publish(ticket_id, ticketing.TicketAssignedV1(ticket_id=ticket_id, assignee_id="a"))
    await desk.publish(ticket_id, ticketing.TicketResolvedV1(ticket_id=ticket_id, resolution_code="fixed"))
    await desk.drain()
    sequences = [sequence for _, sequence in await desk.published()]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_pause_and_resumption_move_the_due_date(desk: Any) -> None:
    await desk.promise()
    ticket_id = await desk.open_ticket()
    await desk.advance("09:00")
    await desk.publish(ticket_id, ticketing.TicketWaitingV1(ticket_id=ticket_id, waiting_on="customer"))
    await desk.advance("15:00")
    shown = await desk.get(f"subjects/ticket/{ticket_id}")
    assert shown["metrics"][0]["state"] == "paused"
    assert shown["metrics"][0]["due_at"] is None
    await desk.publish(ticket_id, ticketing.TicketResumedV1(ticket_id=ticket_id, state="open"))
    await desk.advance("16:00")
    shown = await desk.get(f"subjects/ticket/{ticket_id}")
    metric = shown["metrics"][0]
    assert (metric["due_at"], metric["elapsed"], metric["remaining"], metric["percent"]) == (
        "2026-03-02T18:00:00Z",
        2.0,
        2.0,
        50.0,
    )
    assert metric["within_hours"] is True
    (clock,) = await desk.clocks()
    assert clock["pauses"] == [{"start_at": "2026-03-02T09:00:00Z", "end_at": "2026-03-02T15:00:00Z"}]


async def test_backlog_with_pauses_in_it_raises_no_false_breach(desk: Any) -> None:
    await desk.promise()
    ticket_ids = [await desk.open_ticket() for _ in range(30)]
    await desk.drain()
    for ticket_id in ticket_ids:
        waiting = ticketing.TicketWaitingV1(ticket_id=ticket_id, waiting_on="customer")
        resumed = ticketing.TicketResumedV1(ticket_id=ticket_id, state="open")
        await desk.publish(ticket_id, waiting, at=desk.at("09:00"))
        await desk.publish(ticket_id, resumed, at=desk.at("+1 09:00"))
    # The worker was away for a day: its timers are long due, and the backlog is still to be read.
    desk.clock.set(desk.at("+1 11:00"))
    timers, consumer = desk.loop("sla.timers"), desk.loop("sla.consumer")
    while await consumer.run_once():
        pass
    await desk.drain()
    assert await timers.run_once() == 0
    kinds = Counter(name for name, _ in await desk.published())
    assert not {"clock_breached", "breach_retracted"} & set(kinds)
    assert {clock["due_at"] for clock in await desk.clocks(limit=200)} == {"2026-03-03T12:00:00Z"}


async def test_timers_wait_for_events_that_are_not_read_yet(desk: Any) -> None:
    await desk.promise()
    ticket_id = await desk.open_ticket()
    await desk.drain()
    resolved = ticketing.TicketResolvedV1(ticket_id=ticket_id, resolution_code="fixed")
    await desk.rows(
        "UPDATE consumer_progress SET caught_up = false, consumed_through_at = '2026-03-02 08:00+00'"
    )
    await desk.publish(ticket_id, resolved, at=desk.at("11:59"))
    desk.clock.set(desk.at("13:00"))
    assert await desk.loop("sla.timers").run_once() == 0
    await desk.drain()
    kinds = [name for name, _ in await desk.published()]
    assert kinds == ["clock_started", "clock_met"]


async def test_timers_of_parked_subjects_are_held_and_others_are_not(make_desk: Any) -> None:
    desk = await make_desk(timer_hold_seconds=1_800)
    await desk.promise()
    held, free = await desk.open_ticket(), await desk.open_ticket()
    await desk.drain()
    await desk.rows(f"INSERT INTO held_keys (consumer_group, key, held_at) VALUES ('sla', '{held}', now())")
    await desk.advance("13:00")
    breached = {clock["subject_id"] for clock in await desk.clocks() if clock["breached_at"]}
    assert breached == {str(free)}
    await desk.rows("DELETE FROM held_keys")
    await desk.advance("14:00")
    breached = {clock["subject_id"] for clock in await desk.clocks() if clock["breached_at"]}
    assert breached == {str(free), str(held)}
    digests = await desk.rows("SELECT is_digest FROM firings WHERE kind <> 'breach' AND is_digest")
    assert len(digests) == 2, "its warning and escalation are past by then"


async def test_same_event_twice_takes_effect_once(desk: Any) -> None:
    await desk.promise()
    ticket_id = await desk.open_ticket()
    await desk.drain()
    envelope, contract = desk.envelopes[0]
    await desk.publish(ticket_id, contract, again=envelope)
    await desk.drain()
    assert [name for name, _ in await desk.published()] == ["clock_started"]
    assert len(await desk.rows("SELECT id FROM ledger")) == 1


async def test_events_out_of_order_give_the_clock_that_order_would_have_given(desk: Any) -> None:
    await desk.promise()
    ticket_id = new_id()
    desk.clock.set(desk.at("12:00"))
    await desk.publish(
        ticket_id, ticketing.TicketResumedV1(ticket_id=ticket_id, state="open"), at=desk.at("11:00")
    )
    waiting = ticketing.TicketWaitingV1(ticket_id=ticket_id, waiting_on="customer")
    await desk.publish(ticket_id, waiting, at=desk.at("09:00"))
    await desk.drain()
    assert await desk.clocks() == []
    await desk.open_ticket(ticket_id, at=desk.at("08:00"))
    await desk.drain()
    (clock,) = await desk.clocks()
    assert clock["due_at"] == "2026-03-02T14:00:00Z"
    effects = [line["effect"] for line in (await desk.get(f"subjects/ticket/{ticket_id}/ledger"))["lines"]]
    assert effects == ["sla resolution: started", "sla resolution: paused", "sla resolution: resumed"]


async def test_batch_of_many_subjects_is_written_together(desk: Any) -> None:
    await desk.promise()
    ticket_ids = [await desk.open_ticket() for _ in range(120)]
    for ticket_id in ticket_ids:
        await desk.publish(
            ticket_id, ticketing.TicketPrioritisedV1(ticket_id=ticket_id, priority="low", previous="high")
        )
    await desk.drain()
    assert len(await desk.clocks(limit=200)) == 120
    assert {clock["priority"] for clock in await desk.clocks(limit=200)} == {"low"}
    assert len(await desk.rows("SELECT id FROM ledger")) == 240


async def test_survivor_of_a_merge_inherits_the_earlier_due_date(desk: Any) -> None:
    await desk.promise()
    customer_id = new_id()
    older = await desk.open_ticket(customer_id=customer_id)
    await desk.advance("09:00")
    younger = await desk.open_ticket(customer_id=customer_id)
    await desk.advance("10:00")
    merged = ticketing.TicketMergedV1(ticket_id=older, into_ticket_id=younger, same_customer=True)
    await desk.publish(older, merged)
    await desk.drain()
    states = {clock["subject_id"]: (clock["state"], clock["due_at"]) for clock in await desk.clocks()}
    assert states[str(older)][0] == "cancelled"
    assert states[str(younger)] == ("running", "2026-03-02T12:00:00Z")


async def test_survivor_of_another_customer_inherits_nothing(desk: Any) -> None:
    await desk.promise()
    older = await desk.open_ticket()
    await desk.advance("09:00")
    younger = await desk.open_ticket()
    merged = ticketing.TicketMergedV1(ticket_id=older, into_ticket_id=younger, same_customer=False)
    await desk.publish(older, merged)
    await desk.drain()
    due = {clock["subject_id"]: clock["due_at"] for clock in await desk.clocks()}
    assert due[str(younger)] == "2026-03-02T13:00:00Z"


def gold(target: dict[str, Any]) -> dict[str, Any]:
    return target | {"duration": 1}


async def test_tier_known_before_decides_the_policy(desk: Any, target: dict[str, Any]) -> None:
    await desk.promise()
    await desk.promise(gold(target), name="gold", match={"subject_kind": "ticket", "tier": ["gold"]})
    customer_id = new_id()
    registered = valuation.CustomerRegisteredV1(
        customer_id=customer_id, tier="gold", registered_at=desk.at("07:00")
    )
    await desk.publish(customer_id, registered)
    await desk.drain()
    await desk.open_ticket(customer_id=customer_id)
    await desk.drain()
    (clock,) = await desk.clocks()
    assert (clock["policy"]["name"], clock["tier"]) == ("gold", "gold")


async def test_tier_in_force_before_the_start_is_a_late_input(desk: Any, target: dict[str, Any]) -> None:
    await desk.promise()
    await desk.promise(gold(target), name="gold", match={"subject_kind": "ticket", "tier": ["gold"]})
    customer_id = new_id()
    await desk.open_ticket(customer_id=customer_id)
    await desk.advance("08:10")
    changed = valuation.CustomerTierChangedV1(
        customer_id=customer_id,
        tier="gold",
        previous_tier=None,
        reason="promotion",
        rule_version=1,
        effective_at=desk.at("07:59"),
    )
    await desk.publish(customer_id, changed)
    await desk.drain()
    (clock,) = await desk.clocks()
    assert (clock["policy"]["name"], clock["due_at"]) == ("gold", "2026-03-02T09:00:00Z")
    assert (await desk.published())[-1][0] == "clock_retargeted"


def tier_changed(customer_id: Any, tier: str, effective_at: Any) -> valuation.CustomerTierChangedV1:
    return valuation.CustomerTierChangedV1(
        customer_id=customer_id,
        tier=tier,
        previous_tier=None,
        reason="promotion",
        rule_version=1,
        effective_at=effective_at,
    )


async def test_tier_that_changes_while_a_ticket_is_closed_counts_once_it_is_reopened(
    desk: Any, target: dict[str, Any]
) -> None:
    await desk.promise(target | {"on_tier_change": "retarget"})
    await desk.promise(gold(target), name="gold", match={"subject_kind": "ticket", "tier": ["gold"]})
    customer_id = new_id()
    ticket_id = await desk.open_ticket(customer_id=customer_id)
    await desk.advance("08:30")
    await desk.publish(ticket_id, ticketing.TicketResolvedV1(ticket_id=ticket_id, resolution_code="fixed"))
    await desk.publish(ticket_id, ticketing.TicketClosedV1(ticket_id=ticket_id))
    await desk.advance("09:00")
    await desk.publish(customer_id, tier_changed(customer_id, "gold", desk.clock.now()))
    await desk.advance("10:00")
    reopened = ticketing.TicketReopenedV1(ticket_id=ticket_id, reason="again", reopen_count=1)
    await desk.publish(ticket_id, reopened)
    await desk.drain()
    (clock,) = await desk.clocks()
    # Half an hour of the hour that gold customers have was taken before.
    assert (clock["policy"]["name"], clock["due_at"]) == ("gold", "2026-03-02T10:30:00Z")


async def test_correcting_the_opening_brings_the_tier_that_was_in_force_then(
    desk: Any, calendar: dict[str, Any], target: dict[str, Any]
) -> None:
    await desk.post("calendars", calendar | {"effective_from": "2026-01-01T00:00:00Z"})
    since = {"effective_from": "2026-01-01T00:00:00Z"}
    await desk.promise(**since)
    silver = {"match": {"subject_kind": "ticket", "tier": ["silver"]}, **since}
    await desk.promise(target | {"duration": 2}, name="silver", **silver)
    customer_id = new_id()
    await desk.publish(
        customer_id, tier_changed(customer_id, "silver", desk.at("06:00")), at=desk.at("06:00")
    )
    await desk.publish(customer_id, tier_changed(customer_id, "gold", desk.at("07:30")), at=desk.at("07:30"))
    ticket_id = await desk.open_ticket(customer_id=customer_id)
    await desk.drain()
    path = f"subjects/ticket/{ticket_id}"
    (opened,) = [line for line in (await desk.get(f"{path}/ledger"))["lines"] if line["kind"] == "opened"]
    body = {"entry_id": opened["id"], "occurred_at": "2026-03-02T07:00:00Z", "evidence": "call record 4"}
    corrected = await desk.call("POST", f"{path}/corrections", json=body, role="supervisor")
    assert corrected.status_code == 201, corrected.text
    (clock,) = await desk.clocks()
    assert (clock["policy"]["name"], clock["tier"], clock["due_at"]) == (
        "silver",
        "silver",
        "2026-03-02T09:00:00Z",
    )


async def test_nothing_is_corrected_to_before_the_start(desk: Any) -> None:
    await desk.promise()
    ticket_id = await desk.open_ticket()
    await desk.advance("09:00")
    await desk.publish(ticket_id, ticketing.TicketWaitingV1(ticket_id=ticket_id, waiting_on="customer"))
    await desk.drain()
    path = f"subjects/ticket/{ticket_id}"
    before = (await desk.get(f"{path}/ledger"))["lines"]
    (pause,) = [line for line in before if line["kind"] == "waiting"]
    body = {"entry_id": pause["id"], "occurred_at": "2026-03-02T07:00:00Z", "evidence": "call record 4"}
    refused = await desk.call("POST", f"{path}/corrections", json=body, role="supervisor")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_correction")
    assert refused.json()["errors"][0]["rule"] == "after_start"
    assert (await desk.get(f"{path}/ledger"))["lines"] == before


async def test_complaint_is_answered_within_its_day(desk: Any) -> None:
    await desk.promise(
        {"metric": "response", "duration": 24, "unit": "elapsed_hours", "warn_at": [0.75]},
        agreement="regulatory",
        match={"subject_kind": "complaint"},
        calendar_id=None,
    )
    complaint_id = new_id()
    received = complaints.ComplaintReceivedV1(
        complaint_id=complaint_id,
        number="C-1",
        customer_id=None,
        channel="letter",
        severity="serious",
        received_at=desk.clock.now(),
    )
    await desk.publish(complaint_id, received)
    await desk.publish(
        complaint_id, complaints.ComplaintAcknowledgedV1(complaint_id=complaint_id, message_id=new_id())
    )
    await desk.advance("+1 07:59")
    await desk.publish(
        complaint_id, complaints.ComplaintRespondedV1(complaint_id=complaint_id, responder_id="p")
    )
    await desk.drain()
    (clock,) = await desk.clocks()
    assert (clock["state"], clock["calendar"], clock["priority"]) == ("met", None, "serious")
    assert clock["warned_at"] == "2026-03-03T02:00:00Z"


async def test_backdated_opening_is_not_believed_but_kept(desk: Any) -> None:
    await desk.promise()
    ticket_id = await desk.open_ticket(opened_at=desk.at("07:00"))
    await desk.drain()
    (clock,) = await desk.clocks()
    assert clock["started_at"] == "2026-03-02T08:00:00Z"
    (line,) = (await desk.get(f"subjects/ticket/{ticket_id}/ledger"))["lines"]
    assert line["claimed_at"] == "2026-03-02T07:00:00Z"


async def test_supervisor_corrects_a_line_with_evidence(desk: Any, calendar: dict[str, Any]) -> None:
    await desk.post("calendars", calendar | {"effective_from": "2026-01-01T00:00:00Z"})
    await desk.promise(effective_from="2026-01-01T00:00:00Z")
    ticket_id = await desk.open_ticket(opened_at=desk.at("07:00"))
    await desk.drain()
    path = f"subjects/ticket/{ticket_id}"
    (line,) = (await desk.get(f"{path}/ledger"))["lines"]
    body = {"entry_id": line["id"], "occurred_at": "2026-03-02T07:00:00Z", "evidence": "stamp on the letter"}
    refused = await desk.call("POST", f"{path}/corrections", role="agent", json=body)
    assert refused.status_code == 403
    future = await desk.call(
        "POST", f"{path}/corrections", json=body | {"occurred_at": "2026-03-03T07:00:00Z"}
    )
    assert future.json()["code"] == "invalid_correction"
    corrected = await desk.call("POST", f"{path}/corrections", json=body, role="supervisor")
    assert corrected.status_code == 201, corrected.text
    assert corrected.json()["metrics"][0]["due_at"] == "2026-03-02T11:00:00Z"
    assert corrected.headers["etag"] == (await desk.call("GET", path)).headers["etag"]
    lines = (await desk.get(f"{path}/ledger"))["lines"]
    assert [line["kind"] for line in lines] == ["opened", "corrected"]
    await desk.advance("11:00")
    assert (await desk.published())[-1][0] in ("clock_breached", "escalation_due")


@pytest.mark.parametrize("state", ["met", "missed"])
async def test_attainment_counts_what_was_kept_and_missed(desk: Any, state: str) -> None:
    await desk.promise()
    ticket_id = await desk.open_ticket()
    await desk.advance("09:00" if state == "met" else "13:00")
    await desk.publish(ticket_id, ticketing.TicketResolvedV1(ticket_id=ticket_id, resolution_code="fixed"))
    await desk.drain()
    report = await desk.get("attainment", params={"group_by": ["metric", "priority"]})
    (row,) = report["rows"]
    assert row["group"] == {"metric": "resolution", "priority": "high"}
    assert (row[state], row["attainment"]) == (1, 1.0 if state == "met" else 0.0)


async def test_complaint_carries_regulatory_clocks_in_mixed_units_beside_its_service_target(
    desk: Any,
) -> None:
    week = {"subject_kind": "complaint"}
    promised = [
        {"metric": "acknowledgement", "duration": 0, "unit": "elapsed_hours"},
        {"metric": "response", "duration": 24, "unit": "elapsed_hours"},
        {"metric": "decision", "duration": 20, "unit": "business_days"},
        {"metric": "resolution", "duration": 8, "unit": "calendar_weeks", "pauses_on": []},
    ]
    await desk.promise(*promised, name="law", agreement="regulatory", match=week)
    service = {"metric": "resolution", "duration": 40, "unit": "business_hours"}
    await desk.promise(service, name="service", match=week)
    complaint_id = new_id()
    received = complaints.ComplaintReceivedV1(
        complaint_id=complaint_id,
        number="C-1",
        customer_id=None,
        channel="letter",
        severity="serious",
        received_at=desk.clock.now(),
    )
    await desk.publish(complaint_id, received)
    await desk.publish(
        complaint_id, complaints.ComplaintAcknowledgedV1(complaint_id=complaint_id, message_id=new_id())
    )
    await desk.publish(
        complaint_id, complaints.ComplaintWaitingV1(complaint_id=complaint_id, waiting_on="customer")
    )
    await desk.drain()
    found = {
        (clock["agreement"], clock["metric"]): (clock["state"], clock["due_at"])
        for clock in await desk.clocks()
    }
    assert found == {
        ("regulatory", "acknowledgement"): ("met", "2026-03-02T08:00:00Z"),
        ("regulatory", "response"): ("running", "2026-03-03T08:00:00Z"),
        ("regulatory", "decision"): ("running", "2026-03-23T00:00:00Z"),
        ("regulatory", "resolution"): ("running", "2026-04-28T00:00:00Z"),
        ("sla", "resolution"): ("paused", None),
    }


async def test_date_promised_to_the_customer_is_measured_moved_and_missed(desk: Any) -> None:
    ticket_id = await desk.open_ticket()
    await desk.publish(
        ticket_id, ticketing.CommitmentMadeV1(ticket_id=ticket_id, committed_at=desk.at("12:00"))
    )
    await desk.advance("09:00")
    moved = ticketing.CommitmentChangedV1(
        ticket_id=ticket_id,
        committed_at=desk.at("15:00"),
        previous_committed_at=desk.at("12:00"),
        reason="parts_missing",
    )
    await desk.publish(ticket_id, moved)
    await desk.advance("16:00")
    (clock,) = await desk.clocks()
    assert (clock["metric"], clock["policy"]["name"]) == ("committed_resolution", "commitments (default)")
    assert (clock["due_at"], clock["breached_at"]) == ("2026-03-02T15:00:00Z", "2026-03-02T15:00:00Z")
    kinds = [name for name, _ in await desk.published()]
    assert kinds == ["clock_started", "clock_recommitted", "clock_breached"]
    lines = (await desk.get(f"subjects/ticket/{ticket_id}/ledger"))["lines"]
    assert (lines[-1]["kind"], lines[-1]["data"]["reason"]) == ("recommitted", "parts_missing")
    explained = await desk.get(f"clocks/{clock['id']}/explain")
    assert "moved to 2026-03-02T15:00:00+00:00 (parts_missing)" in explained["arithmetic"][1]


async def test_promised_date_is_at_risk_while_the_resolution_stands_still(desk: Any) -> None:
    await desk.promise()
    ticket_id = await desk.open_ticket()
    await desk.publish(
        ticket_id, ticketing.CommitmentMadeV1(ticket_id=ticket_id, committed_at=desk.at("13:00"))
    )
    await desk.publish(ticket_id, ticketing.TicketWaitingV1(ticket_id=ticket_id, waiting_on="customer"))
    await desk.advance("12:00")
    (row,) = await desk.rows("SELECT kind, threshold_at FROM firings")
    assert row["kind"] == "at_risk"
    assert row["threshold_at"].replace(microsecond=0) == desk.at("09:00")
    assert [name for name, _ in await desk.published()].count("commitment_at_risk") == 1


async def test_policy_for_promised_dates_is_a_version_of_the_default(desk: Any) -> None:
    (default,) = (await desk.get("policies"))["items"]
    body = {
        "agreement": "sla",
        "match": {"subject_kind": "ticket"},
        "targets": [{"metric": "committed_resolution", "warn_at": [{"before": 1}]}],
    }
    added = await desk.call(
        "POST", f"policies/{default['id']}/versions", json=body, headers={"If-Match": '"1"'}
    )
    assert added.status_code == 201, added.text
    ticket_id = await desk.open_ticket()
    await desk.publish(
        ticket_id, ticketing.CommitmentMadeV1(ticket_id=ticket_id, committed_at=desk.at("12:00"))
    )
    await desk.advance("11:30")
    (clock,) = await desk.clocks()
    assert (clock["policy"]["version"], clock["warned_at"]) == (2, "2026-03-02T11:00:00Z")


async def test_next_response_and_updates_follow_the_conversation(desk: Any) -> None:
    await desk.promise(
        {"metric": "next_response", "duration": 60, "unit": "business_minutes"},
        {"metric": "periodic_update", "duration": 4, "unit": "business_hours"},
    )
    ticket_id = await desk.open_ticket()
    for hour in ("09:00", "10:00"):
        await desk.advance(hour)
        wrote = ticketing.CustomerRepliedV1(ticket_id=ticket_id, message_id=new_id())
        told = ticketing.TicketRepliedV1(ticket_id=ticket_id, message_id=new_id())
        await desk.publish(ticket_id, wrote)
        await desk.advance(hour.replace(":00", ":30"))
        await desk.publish(ticket_id, told)
    await desk.drain()
    found = sorted((clock["metric"], clock["cycle"], clock["state"]) for clock in await desk.clocks())
    assert found == [
        ("next_response", 1, "met"),
        ("next_response", 2, "met"),
        ("periodic_update", 1, "met"),
        ("periodic_update", 2, "met"),
        ("periodic_update", 3, "running"),
    ]


async def test_contract_under_which_a_ticket_is_opened_outranks_the_customers_tier(
    desk: Any, target: dict[str, Any]
) -> None:
    await desk.promise(gold(target), name="gold", match={"subject_kind": "ticket", "tier": ["gold"]})
    contract = {"subject_kind": "ticket", "contract": ["K-117"]}
    await desk.promise(target | {"duration": 2}, name="contract K-117", match=contract)
    customer_id = new_id()
    await desk.publish(customer_id, tier_changed(customer_id, "gold", desk.at("06:00")), at=desk.at("06:00"))
    await desk.open_ticket(customer_id=customer_id, contract="K-117", entitlement="priority-support")
    await desk.drain()
    (clock,) = await desk.clocks()
    assert (clock["policy"]["name"], clock["due_at"]) == ("contract K-117", "2026-03-02T10:00:00Z")
    explained = await desk.get(f"clocks/{clock['id']}/explain")
    assert "contract in {K-117}; rank 512" in str(explained)
