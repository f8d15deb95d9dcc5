"""Faults in logs: where and of what kind, without the values that a person typed.

Error messages of libraries repeat input: PostgreSQL's detail names the row, pydantic's text the value. Local
variables of a traceback hold tokens. None of that belongs in a log.
"""

import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

LONGEST_MESSAGE = 500
_ARGUMENT = re.compile(r"(invalid input for query argument \$\d+)\b.*", re.DOTALL)
_QUOTED = re.compile(r'("[^"]*"|\'[^\']*\')')


def message_of(error: BaseException) -> str:
    """What an error says, without input values: its first line, and for some libraries less."""
    module = type(error).__module__.partition(".")[0]
    if module in ("pydantic", "pydantic_core", "fastapi"):
        errors = getattr(error, "errors", None)
        found = errors() if callable(errors) else []
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in found)
    text = str(error.args[0]) if error.args else ""
    if module == "asyncpg":
        # The names of constraints and columns are in quotes, and so are values: only identifiers may stay.
        text = _ARGUMENT.sub(r"\1", text)
        text = _QUOTED.sub(lambda one: one[0] if one[0][1:-1].isidentifier() else "'…'", text)
    return text.partition("\n")[0][:LONGEST_MESSAGE]


def described(error: BaseException) -> str:
    """The frames and kinds of an error and of its causes, oldest cause first."""
    parts = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = "".join(traceback.format_tb(current.__traceback__))
        kind = type(current)
        parts.append(f"{frames}{kind.__module__}.{kind.__qualname__}: {message_of(current)}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\nwhich led to:\n".join(reversed(parts))


def with_fault(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: `exc_info` becomes `exception`."""
    error = _error_of(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = described(error)
        event.setdefault("error", f"{type(error).__name__}: {message_of(error)}")
    return event


def _error_of(given: Any) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        found = given[1]
        return found if isinstance(found, BaseException) else None
    return sys.exc_info()[1] if given else None
