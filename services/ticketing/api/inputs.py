"""Kinds of text and headers that requests on tickets are made of."""

from typing import Annotated

from pydantic import Field, StringConstraints

# One line of text: something visible, no control characters. Lengths are in characters.
_ONE_LINE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
_SOME_TEXT = r"^[^\x00]*[^\s\x00][^\x00]*$"

Code = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$"),
    Field(
        description="A word of your own vocabulary in lower case: it is published, so never a person's data."
    ),
]
Label = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=_ONE_LINE)
]
StaffId = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=_ONE_LINE)
]
Subject = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_ONE_LINE)
]
Description = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^[^\x00]*$")]
Message = Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=_SOME_TEXT)]
Remark = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2_000, pattern=_SOME_TEXT),
    Field(
        description="Free text for colleagues; on the timeline, never published, never shown to the customer."
    ),
]
