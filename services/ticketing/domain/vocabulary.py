"""The words a ticket is described with."""

from typing import Literal, get_args

Channel = Literal["phone", "web", "chat", "email", "sms", "social", "api"]
Priority = Literal["critical", "high", "moderate", "low"]
WaitingOn = Literal["customer", "third_party"]

CHANNELS: tuple[str, ...] = get_args(Channel)
PRIORITIES: tuple[str, ...] = get_args(Priority)
WAITING_ON: tuple[str, ...] = get_args(WaitingOn)

MAX_ESCALATION_LEVEL = 9

NUMBER_PREFIX = "T-"


def number_of(serial: int) -> str:
    """The number people use: 123 → `T-000123`."""
    return f"{NUMBER_PREFIX}{serial:06d}"


def serial_of(number: str) -> int | None:
    """The serial behind a number as people write it (`T-000123`, `t-123`), or None when it is none."""
    digits = number.strip().upper().removeprefix(NUMBER_PREFIX)
    if digits == number.strip().upper() or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        return None
    return int(digits)
