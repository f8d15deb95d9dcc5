"""Words are found in Chinese and in English, whole or by their beginning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ticketing.domain.search_terms import (
    MAX_QUERY_WORDS,
    MAX_TERM_LENGTH,
    search_query,
    search_vector,
)


@pytest.mark.parametrize(
    ("text", "vector"),
    [
        ("VPN", "'vpn'"),
        ("no, No way", "'no' 'way'"),
        ("it's T-000123", "'it' 's' 't' '000123'"),
        ("退款", "'退款':1 '款':2"),
        ("退款失败", "'退款':1 '款失':2 '失败':3 '败':4"),
        ("退款 失败", "'退款':1 '款':2 '失败':3 '败':4"),
        ("退款, 退款", "'退款':1,3 '款':2,4"),
        ("VPN登录", "'vpn' '登录':1 '录':2"),
        ("ＶＰＮ Zürich", "'vpn' 'zürich'"),
        ("x" * 70, f"'{'x' * 64}' '{'x' * 6}'"),
        ("", ""),
        ("!?", ""),
        ("——", ""),
    ],
)
def test_terms_of_a_text(text: str, vector: str) -> None:
    assert search_vector(text) == vector


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("vpn", "'vpn':*"),
        ("退款", "('退款')"),
        ("退款失败", "('退款' <-> '款失' <-> '失败')"),
        ("款", "'款':*"),
        ("VPN 登录", "'vpn':* & ('登录')"),
        ("!?", None),
        ("", None),
    ],
)
def test_query_of_a_text(text: str, query: str | None) -> None:
    assert search_query(text) == query


def test_a_query_is_bounded() -> None:
    assert (search_query("a " * 100) or "").count("&") == MAX_QUERY_WORDS - 1


@given(st.text(max_size=300))
def test_no_text_breaks_the_notation(text: str) -> None:
    for notation in (search_vector(text), search_query(text) or ""):
        terms = notation.split("'")[1::2]
        assert all(0 < len(term) <= MAX_TERM_LENGTH and "\\" not in term for term in terms)
        assert all(term.isalnum() or not term.isascii() for term in terms)


@given(st.text(max_size=80), st.text(max_size=80))
def test_every_word_of_a_text_is_among_its_terms(before: str, after: str) -> None:
    words = set(search_vector(f"{before} {after}").split("'")[1::2])
    for one in (before, after):
        assert set(search_vector(one).split("'")[1::2]) <= words
