"""Words are found in Chinese and in English, whole or by their beginning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ticketing.domain.search_terms import MAX_TERM_LENGTH, search_query, search_vector


@pytest.mark.parametrize(
    ("text", "vector"),
    [
        ("VPN", "'vpn':1"),
        ("退款", "'退款':1 '款':2"),
        ("退款失败", "'退款':1 '款失':2 '失败':3 '败':4"),
        ("VPN登录", "'vpn':1 '登录':2 '录':3"),
        ("no, no", "'no':1,2"),
        ("ＶＰＮ", "'vpn':1"),
        ("it's", "'it':1 's':2"),
        ("", ""),
        ("!?", ""),
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


@given(st.text(max_size=300))
def test_no_text_breaks_the_notation(text: str) -> None:
    for notation in (search_vector(text), search_query(text) or ""):
        quoted = notation.split("'")[1::2]
        assert all(term.isalnum() or not term.isascii() for term in quoted)
        assert all("\\" not in term and 0 < len(term) <= MAX_TERM_LENGTH for term in quoted)
