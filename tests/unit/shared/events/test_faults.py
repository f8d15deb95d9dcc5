"""Which faults are waited out, which become dead letters, and what is told of them."""

import asyncpg
import pytest
from pydantic import BaseModel, ValidationError

from shared.events.faults import MESSAGE_LENGTH, describe, is_passing, is_suspect
from shared.kernel.errors import ConflictError, InvalidInputError, UnavailableError


class Payload(BaseModel):
    number: int


class TooLateError(ConflictError):
    """It is too late for this."""


@pytest.mark.parametrize(
    ("error", "passing", "suspect"),
    [
        (ConnectionRefusedError(), True, False),
        (ConnectionResetError(), True, False),
        (UnavailableError(), True, False),
        (asyncpg.ConnectionDoesNotExistError(), True, False),
        (asyncpg.AdminShutdownError(), True, False),
        (asyncpg.DeadlockDetectedError(), True, False),
        (asyncpg.SerializationError(), True, False),
        (asyncpg.TooManyConnectionsError(), True, False),
        (asyncpg.DiskFullError(), True, False),
        (asyncpg.LockNotAvailableError(), True, False),
        (asyncpg.QueryCanceledError(), True, True),
        (asyncpg.InterfaceError("connection is closed"), True, True),
        (TimeoutError(), True, True),
        (asyncpg.UniqueViolationError(), False, False),
        (asyncpg.CheckViolationError(), False, False),
        (asyncpg.UndefinedTableError(), False, False),
        (TooLateError(), False, False),
        (InvalidInputError(), False, False),
        (KeyError("x"), False, False),
        (ZeroDivisionError(), False, False),
    ],
)
def test_a_fault_is_known_by_its_kind(error: Exception, passing: bool, suspect: bool) -> None:
    assert (is_passing(error), is_suspect(error)) == (passing, suspect)


def test_an_error_of_ours_is_told_by_code_and_detail() -> None:
    assert describe(TooLateError("closed since Monday")) == ("too_late", "closed since Monday")


def test_of_an_invalid_payload_places_and_rules_are_told_but_no_values() -> None:
    with pytest.raises(ValidationError) as invalid:
        Payload.model_validate({"number": "Zhang San, 13800000000"})
    assert describe(invalid.value) == ("invalid_payload", "number: int_parsing")


def test_any_other_error_is_told_by_its_name_and_shortened() -> None:
    code, message = describe(ValueError("x" * 10_000))
    assert (code, len(message)) == ("value", MESSAGE_LENGTH)
    assert describe(ZeroDivisionError()) == ("zero_division", "ZeroDivisionError")
