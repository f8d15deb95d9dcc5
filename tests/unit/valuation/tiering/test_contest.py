"""Contests: every command in every state, and who may review."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from uuid import UUID

import pytest

from services.valuation.domain.tiering.contest import HeldTier, TierContest
from services.valuation.domain.tiering.contest_status import (
    TRANSITIONS,
    ContestCommand,
    ContestStatus,
    next_status,
)
from services.valuation.domain.tiering.errors import (
    NothingToContestError,
    OwnContestError,
    TierContestNotOpenError,
    TierNotHeldError,
)
from services.valuation.domain.tiers import Tier, TierRules

AT = datetime(2026, 3, 2, tzinfo=UTC)
RULES = TierRules(1, (Tier("standard", 0), Tier("gold", 3000)), 364, Decimal("0.1"), 56, 84, AT)


def filed(tier: str = "standard", held: str = "standard", decided_by: str | None = None) -> TierContest:
    return TierContest.file(
        UUID(int=1),
        UUID(int=2),
        tier,
        "my refund was a mistake",
        HeldTier(held, 10, RULES, decided_by),
        by="customer:c",
        at=AT,
    )


@pytest.mark.parametrize(("status", "command"), list(product(ContestStatus, ContestCommand)))
def test_only_what_stands_in_the_table_is_done(status: ContestStatus, command: ContestCommand) -> None:
    rows = [row for row in TRANSITIONS if row.command == command and status in row.sources]
    if rows:
        assert next_status(status, command) == rows[0].target
    else:
        with pytest.raises(TierContestNotOpenError):
            next_status(status, command)


def test_decided_and_withdrawn_contests_are_final() -> None:
    final = {ContestStatus.UPHELD, ContestStatus.OVERRIDDEN, ContestStatus.WITHDRAWN}
    assert not any(row.sources & final for row in TRANSITIONS)


def test_a_review_is_taken_handed_on_and_decided_with_every_step_on_record() -> None:
    contest = filed()
    contest.take("supervisor:a", AT)
    contest.take("supervisor:b", AT)
    contest.override("supervisor:b", AT, "the refund was ours", UUID(int=9))
    assert (contest.status, contest.reviewer, contest.override_id) == (
        "overridden",
        "supervisor:b",
        UUID(int=9),
    )
    steps = contest.take_steps()
    assert [(step.place, step.command, step.by) for step in steps] == [
        (1, "file", "customer:c"),
        (2, "take", "supervisor:a"),
        (3, "take", "supervisor:b"),
        (4, "override", "supervisor:b"),
    ]
    assert contest.take_steps() == []


@pytest.mark.parametrize("reviewer", ["customer:c", "supervisor:who-decided"])
def test_nobody_reviews_a_decision_or_a_contest_of_their_own(reviewer: str) -> None:
    contest = filed(decided_by="supervisor:who-decided")
    with pytest.raises(OwnContestError):
        contest.take(reviewer, AT)
    contest.take("supervisor:a", AT)
    with pytest.raises(OwnContestError):
        contest.uphold(reviewer, AT, "it stands")
    assert (contest.status, contest.reviewer) == ("in_review", "supervisor:a")


def test_there_must_be_something_to_contest() -> None:
    with pytest.raises(TierNotHeldError):
        filed(tier="gold", held="standard")
    with pytest.raises(NothingToContestError):
        filed(tier="gold", held="gold")


def test_nothing_is_decided_before_a_person_has_taken_it() -> None:
    contest = filed()
    with pytest.raises(TierContestNotOpenError):
        contest.uphold("supervisor:a", AT, "unread")
    assert (contest.status, contest.version, contest.reason) == ("open", 1, None)
