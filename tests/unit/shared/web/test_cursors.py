"""Cursors: what goes in comes out, and nothing else does."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.cursors import Cursor, InvalidCursorError, Paging

KEYS = st.tuples(
    st.datetimes(timezones=st.just(UTC)),
    st.uuids(),
    st.integers(),
    st.text(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.none() | st.floats(allow_nan=False),
)
TYPES = (datetime, UUID, int, str, Decimal, float)


@given(keys=KEYS, of=st.text())
def test_what_was_encoded_is_decoded(keys: tuple[object, ...], of: str) -> None:
    assert Cursor.decode(Cursor.encode(keys, of), TYPES, of) == keys


@given(keys=KEYS, of=st.text(), other=st.text())
def test_a_cursor_of_another_list_is_refused(keys: tuple[object, ...], of: str, other: str) -> None:
    if of != other:
        with pytest.raises(InvalidCursorError):
            Cursor.decode(Cursor.encode(keys, of), TYPES, other)


@given(data=st.data(), key=st.uuids())
def test_an_altered_cursor_is_refused(data: st.DataObject, key: UUID) -> None:
    cursor = Cursor.encode((key,), "list")
    place = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(
        st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ ä")
    )
    altered = cursor[:place] + letter + cursor[place + 1 :]
    try:
        assert Cursor.decode(altered, (UUID,), "list") == (key,)
    except InvalidCursorError:
        return


@given(st.text())
def test_any_text_is_refused_with_a_name(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        Cursor.decode(text, (UUID,), "list")


def test_sort_keys_of_another_number_or_kind_are_refused() -> None:
    cursor = Cursor.encode((7, "x"), "list")
    for types in ((int,), (int, str, str), (UUID, str), (datetime, str), (Decimal, int)):
        with pytest.raises(InvalidCursorError):
            Cursor.decode(cursor, types, "list")


def test_the_order_of_filters_does_not_matter_and_limit_is_none_of_them() -> None:
    cursor = Cursor.encode((1,), Paging("/x", "a=1&b=2&limit=3", 3, None)._list)
    assert Paging("/x", f"b=2&a=1&limit=50&cursor={cursor}", 50, cursor).after(int) == (1,)
    with pytest.raises(InvalidCursorError):
        Paging("/y", "a=1&b=2", 50, cursor).after(int)
