"""Which faults pass by themselves, and how a fault is told to operators."""

import re

import asyncpg
from pydantic import ValidationError

from shared.db.database import RETRIED, TRANSIENT
from shared.kernel.errors import CareloopError, UnavailableError

MESSAGE_LENGTH = 500

# SQLSTATE classes: connection, lost race, out of resources, operator's intervention, system error.
_PASSING_CLASSES = ("08", "40", "53", "57", "58")
_LOCK_NOT_AVAILABLE = "55P03"
_QUERY_CANCELED = "57014"
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def is_suspect(error: BaseException) -> bool:
    """Whether this may be an outage or a fault of the handler: passing at first, poison if it stays.

    asyncpg reports both a lost connection and wrong arguments as `InterfaceError`; a timeout may be a slow
    server or a slow statement.
    """
    if isinstance(error, asyncpg.PostgresError):
        return bool(error.sqlstate == _QUERY_CANCELED)
    return isinstance(error, asyncpg.InterfaceError | TimeoutError)


def is_passing(error: BaseException) -> bool:
    """Whether trying again later may well succeed: database or broker away, a lost race, no resources."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state.startswith(_PASSING_CLASSES) or state == _LOCK_NOT_AVAILABLE
    return isinstance(error, (*TRANSIENT, *RETRIED, UnavailableError))


def describe(error: BaseException) -> tuple[str, str]:
    """A stable code and a sentence. Of a payload's validation only places and rules are told, no values."""
    if isinstance(error, CareloopError):
        return error.code, error.detail[:MESSAGE_LENGTH]
    if isinstance(error, ValidationError):
        broken = error.errors(include_url=False, include_context=False, include_input=False)
        places = ", ".join(f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in broken)
        return "invalid_payload", places[:MESSAGE_LENGTH]
    name = type(error).__name__.removesuffix("Error")
    return _CAMEL.sub("_", name).lower(), (str(error) or type(error).__name__)[:MESSAGE_LENGTH]
