"""What new rules do to a tier held: never an unwarned fall, and only what they question themselves is endangered."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.tiering.rule_change import (
    EXAMPLES,
    Effect,
    RuleBook,
    Tally,
    effect_of,
    most_endangered,
    successor,
)
from services.valuation.domain.tiers import DemotionWarning, Held, Tier, TierRules

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
WARNING = DemotionWarning(LONG_AGO, LONG_AGO + timedelta(days=56))


def rules(version: int, *tiers: tuple[str, int], band: str = "0.1") -> TierRules:
    return TierRules(version, tuple(Tier(*tier) for tier in tiers), 364, Decimal(band), 56, 84, LONG_AGO)


OLD = rules(1, ("standard", 0), ("silver", 1000), ("gold", 3000), ("platinum", 7500))
HIGHER = rules(2, ("standard", 0), ("silver", 2000), ("gold", 5000), ("platinum", 7500))
OTHER = rules(3, ("basic", 0), ("plus", 2500))


@pytest.mark.parametrize(
    ("tier", "after", "expected"),
    [
        ("gold", HIGHER, 2),
        ("standard", OTHER, 0),
        ("silver", OTHER, 0),
        ("gold", OTHER, 1),
        ("platinum", OTHER, 1),
        ("unheard of", OTHER, 0),
    ],
)
def test_a_tier_is_succeeded_by_its_name_or_by_what_costs_no_more(
    tier: str, after: TierRules, expected: int
) -> None:
    assert successor(tier, OLD, after) == expected


@pytest.mark.parametrize(
    ("held", "value", "after", "expected"),
    [
        (Held("gold", LONG_AGO), 5000, HIGHER, Effect("kept", "gold", "gold", 5000, 4500)),
        (Held("gold", LONG_AGO), 4500, HIGHER, Effect("kept", "gold", "gold", 4500, 4500)),
        (Held("gold", LONG_AGO), 4499, HIGHER, Effect("endangered", "gold", "gold", 4499, 4500, "silver")),
        (Held("gold", LONG_AGO), 2000, HIGHER, Effect("questioned", "gold", "gold", 2000, 4500, "silver")),
        (
            Held("gold", LONG_AGO, WARNING),
            3000,
            HIGHER,
            Effect("questioned", "gold", "gold", 3000, 4500, "silver"),
        ),
        (Held("standard", LONG_AGO), 2000, HIGHER, Effect("promoted", "standard", "silver", 2000, 1800)),
        (Held("standard", LONG_AGO), -5, HIGHER, Effect("kept", "standard", "standard", -5, 0)),
        (Held("silver", LONG_AGO), 1000, OTHER, Effect("replaced", "silver", "basic", 1000, 0)),
        (Held("silver", LONG_AGO), 2500, OTHER, Effect("replaced", "silver", "plus", 2500, 2250)),
        (Held("gold", LONG_AGO), 2800, OTHER, Effect("replaced", "gold", "plus", 2800, 2250)),
        (Held("platinum", LONG_AGO), 0, OTHER, Effect("questioned", "platinum", "plus", 0, 2250, "basic")),
    ],
)
def test_the_effect_on_one_customer(held: Held, value: int, after: TierRules, expected: Effect) -> None:
    assert effect_of(held, OLD, after, value, value) == expected


def test_a_shorter_window_endangers_by_its_own_value() -> None:
    effect = effect_of(Held("gold", LONG_AGO), OLD, HIGHER, 6000, 900)
    assert (effect.kind, effect.to, effect.shortfall) == ("endangered", "silver", Decimal("0.8"))
    assert effect_of(Held("gold", LONG_AGO), OLD, HIGHER, 6000, -900).shortfall == Decimal("1.2")


@st.composite
def rule_sets(draw: st.DrawFn) -> TierRules:
    names = draw(st.permutations(["a", "b", "c", "d", "e"]))
    thresholds = sorted(draw(st.sets(st.integers(1, 9000), min_size=1, max_size=4)))
    return rules(
        draw(st.integers(1, 9)),
        *zip(names, [0, *thresholds], strict=False),
        band=draw(st.sampled_from(["0", "0.1", "0.5"])),
    )


@given(rule_sets(), rule_sets(), st.integers(-100, 12_000), st.integers(-100, 12_000), st.data())
def test_no_change_of_rules_takes_a_tier_unwarned(
    before: TierRules, after: TierRules, value_before: int, value_after: int, data: st.DataObject
) -> None:
    tier = data.draw(st.sampled_from(before.tiers))
    held = Held(tier.name, LONG_AGO, data.draw(st.sampled_from([None, WARNING])))
    effect = effect_of(held, before, after, value_before, value_after)
    rank = after.rank(effect.becomes)
    assert rank is not None
    assert rank >= after.earned(value_after)
    if after.rank(tier.name) is not None:
        assert rank >= (after.rank(tier.name) or 0)
    else:
        assert all(one.threshold_minor > tier.threshold_minor for one in after.tiers[rank + 1 :])
    in_doubt = rank > 0 and value_after < after.keeps_at(rank)
    assert (effect.kind in ("endangered", "questioned")) == in_doubt == (effect.falls_to is not None)
    if effect.kind == "endangered":
        assert held.warning is None
        assert value_before >= before.keeps_at(before.rank(tier.name) or 0)
        assert effect.shortfall > 0


@given(rule_sets(), st.integers(-100, 12_000), st.data())
def test_the_same_rules_again_endanger_nobody(policy: TierRules, value: int, data: st.DataObject) -> None:
    held = Held(data.draw(st.sampled_from(policy.tiers)).name, LONG_AGO)
    assert effect_of(held, policy, policy, value, value).kind not in ("endangered", "replaced")


def test_a_tally_counts_everybody_and_names_the_first() -> None:
    tally = Tally()
    effect = effect_of(Held("gold", LONG_AGO), OLD, HIGHER, 4000, 4000)
    for number in range(EXAMPLES + 5):
        tally.add(UUID(int=number), effect)
    tally.add(UUID(int=99), effect_of(Held("gold", LONG_AGO), OLD, HIGHER, 9000, 9000))
    again = Tally(tally.moves)
    assert again.moves == tally.moves
    assert (tally.count(), tally.count("endangered"), tally.count("kept", "promoted")) == (26, 25, 1)
    assert tally.moves[0].examples == tuple(UUID(int=number) for number in range(EXAMPLES))


@pytest.mark.parametrize(
    ("customers", "cap", "expected"), [(10, "0.05", 0), (20, "0.05", 1), (39, "0.05", 1), (7, "1", 7)]
)
def test_the_cap_is_rounded_down(customers: int, cap: str, expected: int) -> None:
    assert most_endangered(customers, Decimal(cap)) == expected


def test_a_book_gives_the_rules_in_force_to_those_without_a_version() -> None:
    book = RuleBook(HIGHER, {1: OLD})
    assert (book.of(None), book.of(2), book.of(1)) == (HIGHER, HIGHER, OLD)
    with pytest.raises(KeyError):
        book.of(7)
