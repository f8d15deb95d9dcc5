"""Keyset pages: a cursor says after which row the next page starts, so pages are stable under writes.

    @router.get("/tickets", response_model=Page[TicketOut])
    async def list_tickets(
        status: str | None = None,
        paging: Paging = Depends(paging),
        reader: Reader = Depends(reading("list_tickets")),
    ) -> Response:
        after = paging.after(datetime, UUID)                      # None on the first page
        async with reader.session() as session:
            rows = await queries.list_tickets(session, status=status, after=after, limit=paging.fetch)
        return paging.page(rows, present=TicketOut.of_row, key=lambda row: (row["opened_at"], row["id"]))

A cursor belongs to one path with one set of filters: another one is refused with a named error.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from shared.kernel.errors import FieldError, InvalidInputError
from shared.web.answers import BytesResponse, to_bytes

T = TypeVar("T")

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
LONGEST_CURSOR = 1_024
DIGEST_BYTES = 9
_PAGING = ("cursor", "limit")

_PARSERS: dict[type, Callable[[str], Any]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    UUID: UUID,
    int: int,
    str: str,
    float: float,
    Decimal: Decimal,
}


class InvalidCursorError(InvalidInputError):
    """This cursor is not one that this list gave for these filters; start again without it."""


def _refused() -> InvalidCursorError:
    return InvalidCursorError(field_errors=[FieldError("cursor", "cursor", InvalidCursorError.title)])


class Cursor:
    """Sort keys of the last row shown, as opaque text bound to a list (`of`: its path and filters)."""

    @staticmethod
    def encode(keys: Sequence[Any], of: str) -> str:
        texts = [None if key is None else _text(key) for key in keys]
        content = json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(_digest(content, of) + content).rstrip(b"=").decode()

    @staticmethod
    def decode(text: str, types: Sequence[type], of: str) -> tuple[Any, ...]:
        """The sort keys. Raises `InvalidCursorError` for a cursor that was altered or belongs to another list."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            digest, content = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
            if digest != _digest(content, of):
                raise _refused()
            texts = json.loads(content)
            return tuple(
                None if one is None else _PARSERS[kind](one) for one, kind in zip(texts, types, strict=True)
            )
        except (ValueError, TypeError, InvalidOperation, binascii.Error) as error:
            raise _refused() from error


class Paging:
    """Which page is asked for."""

    __slots__ = ("_filters", "_path", "cursor", "limit")

    def __init__(self, path: str, query: str, limit: int, cursor: str | None) -> None:
        self._path = path
        self._filters = sorted(
            (name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in _PAGING
        )
        self.limit = limit
        self.cursor = cursor

    @property
    def fetch(self) -> int:
        """How many rows to select: one more than is shown tells whether there is a next page."""
        return self.limit + 1

    def after(self, *types: type) -> tuple[Any, ...] | None:
        """Sort keys (of these types) of the last row of the page before; None on the first page."""
        return None if self.cursor is None else Cursor.decode(self.cursor, types, self._list)

    def page(
        self,
        rows: Sequence[T],
        *,
        present: Callable[[T], BaseModel],
        key: Callable[[T], Sequence[Any]],
    ) -> Response:
        """Answer with at most `limit` of the `fetch` rows, the cursor of the next page, and its Link."""
        shown = rows[: self.limit]
        next_cursor = Cursor.encode(key(shown[-1]), self._list) if len(rows) > self.limit else None
        headers = {}
        if next_cursor is not None:
            query = urlencode([*self._filters, ("limit", self.limit), ("cursor", next_cursor)])
            headers["link"] = f'<{self._path}?{query}>; rel="next"'
        items = b",".join(to_bytes(present(row)) for row in shown)
        body = b'{"items":[' + items + b'],"next_cursor":' + to_json(next_cursor) + b"}"
        return BytesResponse(body, 200, headers)

    @property
    def _list(self) -> str:
        return self._path + "?" + urlencode(self._filters)


async def paging(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=LARGEST_LIMIT, description="Rows a page.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None,
        Query(
            max_length=LONGEST_CURSOR, description="`next_cursor` of the page before, with the same filters."
        ),
    ] = None,
) -> Paging:
    """`paging: Paging = Depends(paging)`."""
    scope = request.scope
    return Paging(scope["path"], scope["query_string"].decode("latin-1"), limit, cursor)


def _text(key: Any) -> str:
    return key.isoformat() if isinstance(key, datetime) else str(key)


def _digest(content: bytes, of: str) -> bytes:
    return hashlib.blake2b(
        content, digest_size=DIGEST_BYTES, key=hashlib.sha256(of.encode()).digest()
    ).digest()
