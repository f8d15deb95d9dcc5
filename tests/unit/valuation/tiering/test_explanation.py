"""Explanations: each cause has its sentence in both languages, with the figures that decided."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

import pytest

from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.events import TierReason
from services.valuation.domain.outlook import Outlook
from services.valuation.domain.standing import Standing, TierChange
from services.valuation.domain.tiering.amounts import amount_text
from services.valuation.domain.tiering.explanation import Sentence, TierFacts, explain
from services.valuation.domain.tiering.overrides import OverrideHold
from services.valuation.domain.tiers import Held, Tier, TierRules
from services.valuation.domain.window import Window

AT = datetime(2026, 3, 2, tzinfo=UTC)
RULES = TierRules(
    4, (Tier("standard", 0), Tier("gold", 3000), Tier("platinum", 9000)), 364, Decimal("0.1"), 56, 84, AT
)


def said(tier: str = "gold", reason: TierReason = "promotion", **changes: Any) -> dict[str, Sentence]:
    standing = Standing(
        id=UUID(int=1),
        window=Window(date(2025, 3, 4)),
        held=Held(tier, AT),
        rule_version=4,
        override=changes.pop("override", None),
    )
    facts: dict[str, Any] = {
        "standing": standing,
        "change": TierChange(UUID(int=1), 3, tier, "platinum", reason, 4, 123456, 3000, AT),
        "rules": RULES,
        "seen": Outlook("safe", 123456, "standard", 2700),
        "waits_for_version": None,
        "currency": "USD",
        "calendar": ReviewCalendar("Asia/Shanghai", 7),
    }
    return {sentence.code: sentence for sentence in explain(TierFacts(**{**facts, **changes}))}


@pytest.mark.parametrize("reason", get_args(TierReason))
def test_every_cause_is_explained_in_two_languages(reason: TierReason) -> None:
    sentences = said(reason=reason)
    assert next(iter(sentences)) == "held"
    assert list(sentences)[-2:] == ["basis", "contest"]
    for sentence in sentences.values():
        assert sentence.en.endswith(".")
        assert sentence.zh.endswith("。")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in sentence.zh)


def test_the_figures_and_days_that_decided_are_named() -> None:
    sentences = said()
    assert sentences["promotion"].en == (
        "The margin reached 1,234.56 USD, and gold begins at 30.00 USD (rules version 4)."
    )
    assert sentences["promotion"].zh == "毛利达到 1,234.56 USD，而 gold 的门槛为 30.00 USD（规则第 4 版）。"
    assert sentences["held"].en == "The tier is gold since 2026-03-02."
    assert "platinum" in sentences["next_tier"].en
    assert "90.00 USD" in sentences["next_tier"].zh


def test_a_warning_says_what_is_missing_and_by_when() -> None:
    seen = Outlook("warned", 1000, "standard", 2700, 1700, None, AT, AT + timedelta(days=56))
    warned = said(seen=seen)["warned"]
    assert warned.en == (
        "It was warned on 2026-03-02: 27.00 USD keeps gold, 17.00 USD is missing today; otherwise the tier becomes "
        "standard on 2026-04-27."
    )
    assert "17.00 USD" in warned.zh
    expected = said(seen=Outlook("expected", 2800, "standard", 2700, 0, AT))["expected"]
    assert "2026-03-02" in expected.en


def test_the_floor_cannot_be_lost_and_the_top_has_none_above() -> None:
    assert "cannot be lost" in said("standard", "initial", seen=Outlook("floor", 0))["floor"].en
    assert "next_tier" not in said("platinum")


def test_a_decision_takes_the_place_of_the_outlook_and_names_nobody() -> None:
    sentences = said(reason="override", override=OverrideHold(UUID(int=7), AT + timedelta(days=30)))
    assert "2026-04-01" in sentences["override"].en
    assert not {"safe", "warned", "expected", "next_tier"} & set(sentences)


def test_whoever_is_held_back_reads_which_version_waits() -> None:
    held_back = said(waits_for_version=5)["held_back"]
    assert "Version 5" in held_back.en
    assert "第 5 版" in held_back.zh


@pytest.mark.parametrize(
    ("minor", "currency", "expected"),
    [
        (0, "USD", "0.00 USD"),
        (-5, "EUR", "-0.05 EUR"),
        (1234567, "CNY", "12,345.67 CNY"),
        (1234, "JPY", "1,234 JPY"),
        (1234, "KWD", "1.234 KWD"),
    ],
)
def test_amounts_have_the_digits_of_their_currency(minor: int, currency: str, expected: str) -> None:
    assert amount_text(minor, currency) == expected
