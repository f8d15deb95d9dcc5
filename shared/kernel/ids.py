"""Identifiers: UUIDv7, so that ids sort by the time they were made."""

from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

_CARELOOP = UUID("6ad7a7a4-5a0c-5b7e-9b6f-2f6a1f3f9d10")


def new_id() -> UUID:
    """A new UUIDv7."""
    return uuid7()


def derived_id(*parts: str) -> UUID:
    """The same UUIDv5 for the same parts, always: for ids that must be found again from what they name."""
    return uuid5(_CARELOOP, "\x1f".join(parts))
