"""From published complaints to commands: what the record says is kept, the rest stays within declared bounds."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careloop.sample.complaint_plan import (
    CHANNELS,
    FIRST_MINUTE,
    LAST_MINUTE,
    MONTH_DAYS,
    OUTCOMES,
    complaint_steps,
    stable_share,
)
from careloop.sample.history import LoggedComplaint

MONTH = date(2016, 2, 29)
PLAIN = LoggedComplaint(
    number="N-1",
    received_on=date(2013, 7, 29),
    submitted_via="Web",
    product="Mortgage",
    issue="Payments",
    company_response="Closed with explanation",
    timely=True,
    disputed=False,
)
logged = st.builds(
    LoggedComplaint,
    number=st.integers(0, 10**6).map(lambda number: f"N-{number}"),
    received_on=st.dates(date(2012, 1, 1), date(2016, 1, 1)),
    submitted_via=st.sampled_from([*CHANNELS, "Pigeon"]),
    product=st.just("Mortgage"),
    issue=st.just(""),
    company_response=st.sampled_from([*OUTCOMES, "Something new"]),
    timely=st.booleans(),
    disputed=st.sampled_from([True, False, None]),
)


@given(logged)
def test_every_complaint_is_received_in_the_month_and_answered_on_the_recorded_side_of_24_hours(
    complaint: LoggedComplaint,
) -> None:
    steps = {step.command: step for step in complaint_steps(complaint, MONTH, Counter())}
    received_at = steps["receive"].at
    assert MONTH <= received_at.date() < MONTH + timedelta(days=MONTH_DAYS)
    assert FIRST_MINUTE <= received_at.hour * 60 + received_at.minute <= LAST_MINUTE
    answered_after = steps["respond"].at - received_at
    assert (answered_after <= timedelta(hours=24)) == complaint.timely
    assert received_at < steps["assign"].at < steps["respond"].at


@given(logged)
def test_steps_are_in_order_on_whole_minutes_and_the_same_each_time(complaint: LoggedComplaint) -> None:
    steps = complaint_steps(complaint, MONTH, Counter())
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert not any(step.at.second or step.at.microsecond for step in steps)
    assert steps == complaint_steps(complaint, MONTH, Counter())


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ("Closed with explanation", "not_upheld"),
        ("Closed with non-monetary relief", "partly_upheld"),
        ("Closed with monetary relief", "upheld"),
        ("Untimely response", "not_upheld"),
    ],
)
def test_the_companys_response_reads_as_an_outcome(response: str, outcome: str) -> None:
    steps = complaint_steps(replace(PLAIN, company_response=response), MONTH, Counter())
    decided = next(step for step in steps if step.command == "decide")
    assert decided.facts["outcome"] == outcome
    assert steps[-1].command == "close"


def test_relief_needs_a_cause_found_and_mended_before_the_decision() -> None:
    steps = complaint_steps(replace(PLAIN, company_response="Closed with monetary relief"), MONTH, Counter())
    commands = [step.command for step in steps]
    assert commands[3:8] == ["assess_severity", "find_root_cause", "correct", "verify_correction", "decide"]


def test_what_is_in_progress_or_unknown_stays_open() -> None:
    counts: Counter[str] = Counter()
    for response in ("In progress", "Something new"):
        steps = complaint_steps(replace(PLAIN, company_response=response), MONTH, counts)
        assert [step.command for step in steps] == ["receive", "assign", "respond"]
    assert counts["In progress → stays open"] == counts["Something new → stays open"] == 1


def test_whether_the_customer_disputed_is_what_they_say_when_asked() -> None:
    for disputed in (True, False):
        steps = complaint_steps(replace(PLAIN, disputed=disputed), MONTH, Counter())
        said = next(step for step in steps if step.command == "record_satisfaction")
        assert said.facts["satisfied"] is not disputed
    silent = complaint_steps(replace(PLAIN, disputed=None), MONTH, Counter())
    assert "record_satisfaction" not in [step.command for step in silent]


def test_a_letters_decision_is_handed_over_by_a_person() -> None:
    steps = complaint_steps(replace(PLAIN, submitted_via="Postal mail"), MONTH, Counter())
    assert [step.command for step in steps].count("hand_over") == 1


def test_stable_shares_are_the_same_in_every_version() -> None:
    assert stable_share("Caller 2403", "customer") == pytest.approx(0.48867, abs=1e-5)
