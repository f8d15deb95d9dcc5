"""Kinds of text that come in. None holds a NUL, which PostgreSQL cannot store, or nothing but white space."""

from typing import Annotated

from pydantic import StringConstraints

SOME_TEXT = r"^[^\x00]*[^\s\x00][^\x00]*$"

Words = Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=SOME_TEXT)]
"""What a person writes."""

Reason = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=SOME_TEXT)]
"""A short text: why something is done."""

Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x20\x7f]+( [^\x00-\x20\x7f]+)*$"),
]
"""A category, a number of another system: words with single spaces between. Published, so never personal."""

PersonId = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x20\x7f]+$")]
"""The `sub` of a person's token."""

Code = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[a-z][a-z0-9_]*$")]
"""A code of the catalogue."""

# Its own rules are checked in the domain; here only what no contact can be.
ContactText = Annotated[str, StringConstraints(min_length=1, max_length=254, pattern=r"^[^\x00]*$")]
