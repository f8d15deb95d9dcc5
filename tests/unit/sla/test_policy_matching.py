"""Which policy wins, and why."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from services.sla.domain.catalogue import Catalogue
from services.sla.domain.matching import WEIGHTS, Facts, rank, why
from services.sla.domain.metrics import Agreement, Metric, SubjectKind
from services.sla.domain.policies import ClockKey, Match

RESOLUTION = ClockKey(Agreement.SLA, Metric.RESOLUTION)
CUSTOMER = UUID("0197a3c1-0000-7000-8000-000000000001")
FACTS = Facts(
    SubjectKind.TICKET,
    customer_id=CUSTOMER,
    contract="K-117",
    entitlement="priority channel",
    offering="support",
    priority="high",
    category="login",
    kind="incident",
    queue="first line",
    channel="web",
)
ORDER = [
    {"customer": [str(CUSTOMER)]},
    {"contract": ["K-117"]},
    {"entitlement": ["priority channel"]},
    {"offering": ["support"]},
    {"tier": ["gold"]},
    {"priority": ["high"]},
    {"category": ["login"]},
    {"kind": ["incident"]},
    {"queue": ["first line"]},
    {"channel": ["web"]},
    {},
]


def winner(lab: Any, policies: list[Any], facts: Facts = FACTS, tier: str | None = "gold") -> str | None:
    selection = Catalogue(1, policies, [lab.always, lab.office]).selection(lab.monday, 1)
    choice = selection.choose(facts, tier).get(RESOLUTION)
    return None if choice is None else choice.version.name


@pytest.mark.parametrize("place", range(len(ORDER) - 1))
def test_stronger_condition_beats_all_weaker_ones_together(lab: Any, place: int) -> None:
    weaker = {name: value for match in ORDER[place + 1 :] for name, value in match.items()}
    policies = [
        lab.policy(lab.target(), name="weaker", **weaker),
        lab.policy(lab.target(), name="stronger", **ORDER[place]),
    ]
    assert winner(lab, policies) == "stronger"


def test_weights_of_weaker_conditions_never_add_up_to_a_stronger_one() -> None:
    weights = sorted(WEIGHTS.values())
    assert all(weight > sum(weights[:place]) for place, weight in enumerate(weights))


def test_a_contract_outranks_a_tier_and_the_explanation_says_so(lab: Any) -> None:
    contract = lab.policy(lab.target(), name="contract", contract=["K-117"])
    gold = lab.policy(lab.target(), name="gold", tier=["gold"])
    assert winner(lab, [gold, contract]) == "contract"
    assert winner(lab, [gold, contract], replace(FACTS, contract="K-118")) == "gold"
    assert why(contract.match) == "matches ticket with contract in {K-117}; rank 512"


@pytest.mark.parametrize(
    ("match", "tier", "won"),
    [
        ({"priority": ["high", "critical"]}, None, True),
        ({"priority": ["low"]}, None, False),
        ({"tier": ["gold"]}, None, False),
        ({"tier": ["gold"]}, "gold", True),
        ({"customer": ["somebody"]}, "gold", False),
        ({"subject_kind": "complaint"}, "gold", False),
    ],
)
def test_every_condition_must_hold(lab: Any, match: Any, tier: str | None, won: bool) -> None:
    metric = lab.target("response", 1, "elapsed_hours") if "subject_kind" in match else lab.target()
    assert (winner(lab, [lab.policy(metric, **match)], tier=tier) == "standard") == won


def test_most_specific_policy_without_such_a_target_leaves_it_to_the_next(lab: Any) -> None:
    owning = lab.policy(lab.target("time_to_own", 1), name="gold", tier=["gold"])
    assert winner(lab, [owning, lab.policy(lab.target())]) == "standard"


def test_equal_ranks_are_decided_by_the_later_start_and_then_by_name(lab: Any) -> None:
    old = lab.policy(lab.target(), name="a", priority=["high", "low"])
    new = lab.policy(lab.target(), name="b", priority=["high"], effective_from=lab.at("-1 00:00"))
    assert winner(lab, [old, new]) == "b"
    twin = lab.policy(lab.target(), name="0", priority=["high", "critical"])
    assert winner(lab, [old, twin]) == "0"


def test_version_that_has_ended_is_followed_by_none(lab: Any) -> None:
    ended = replace(lab.policy(lab.target()), effective_until=lab.monday)
    assert winner(lab, [ended]) is None


def test_rank_and_reason_are_told() -> None:
    match = Match(SubjectKind.TICKET, tier=frozenset({"gold"}), priority=frozenset({"high", "critical"}))
    assert rank(match) == 96
    assert why(match) == "matches ticket with tier in {gold} and priority in {critical, high}; rank 96"
