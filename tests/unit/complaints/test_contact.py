"""Contacts: what cannot forge a header or a recipient is taken, everything else is refused by field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.complaints.domain.contact import Contact, is_email_address
from services.complaints.domain.errors import InvalidContactError


@pytest.mark.parametrize(
    "address",
    [
        "wang.fang@example.com",
        "a@b.cn",
        "o'brien+x@mail.example.co.uk",
        "x@xn--fiqs8s.example",
        "1@2.example",
    ],
)
def test_ordinary_addresses_are_taken(address: str) -> None:
    assert is_email_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "wang",
        "wang@localhost",
        "wang@example..com",
        ".wang@example.com",
        "wang @example.com",
        "wang@example.com\r\nBcc: all@example.com",
        "wang@example.com\n",
        "a@example.com,b@example.com",
        "Wang <wang@example.com>",
        '"a b"@example.com',
        "wang@[127.0.0.1]",
        "王@example.com",
        "wang@-example.com",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 250}.com",
    ],
)
def test_anything_that_could_change_a_header_or_a_recipient_is_refused(address: str) -> None:
    assert not is_email_address(address)


@given(st.text(max_size=40))
def test_no_address_taken_holds_a_control_character_or_a_second_recipient(text: str) -> None:
    candidate = f"{text}@example.com"
    if is_email_address(candidate):
        assert not set(candidate) & set('\r\n\0 ,;<>"\\')
        assert candidate.count("@") == 1


def test_every_field_that_cannot_be_used_is_named() -> None:
    with pytest.raises(InvalidContactError) as raised:
        Contact.parse(name="Wang\r\nBcc: x", email="nobody", phone="call me")
    assert [error.field for error in raised.value.field_errors] == [
        "contact.name",
        "contact.email",
        "contact.phone",
    ]


def test_a_contact_may_be_missing_or_partial() -> None:
    assert Contact.parse(name=None, email=None, phone=None) == Contact()
    assert Contact.parse(name="王芳", email=None, phone="+86 (10) 1234-5678").name == "王芳"
