"""ETags: strong validators, and what the two conditional headers may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.errors import CareloopError, PreconditionFailedError, PreconditionRequiredError
from shared.web.etag import etag, expected_version, is_fresh, require_version


@given(version=st.integers(1, 10**17), body=st.binary())
def test_an_etag_sent_back_names_its_version_and_is_fresh(version: int, body: bytes) -> None:
    tag = etag(version, body)
    assert expected_version(tag) == version
    assert is_fresh(tag, tag)
    assert is_fresh(f'"other", W/{tag}', tag)


def test_another_body_of_the_same_version_is_not_fresh() -> None:
    assert not is_fresh(etag(1, b"a"), etag(1, b"b"))
    assert not is_fresh(None, etag(1, b"a"))
    assert is_fresh("*", etag(1, b"a"))


def test_without_a_header_one_is_asked_for() -> None:
    with pytest.raises(PreconditionRequiredError):
        expected_version(None)


@pytest.mark.parametrize("header", ['W/"1"', '"0"', '"01"', '"x"', '""', '"1-xyz"', '"' + "9" * 30 + '"'])
def test_a_validator_that_we_never_gave_fails(header: str) -> None:
    with pytest.raises(PreconditionFailedError):
        expected_version(header)


@given(st.text())
def test_whatever_is_sent_has_a_named_answer(header: str) -> None:
    try:
        status = 200 if expected_version(header) >= 1 else 0
    except CareloopError as error:
        status = error.status
    assert status in (200, 412, 422)


def test_a_stale_version_is_refused() -> None:
    require_version(3, 3)
    with pytest.raises(PreconditionFailedError):
        require_version(4, 3)
