"""How a route reads: admitted once, a session when it wants one, an answer with its ETag.

@router.get("/tickets/{ticket_id}", response_model=TicketOut)
async def get_ticket(ticket_id: UUID, reader: Reader = Depends(reading("get_ticket"))) -> Response:
    async with reader.session() as session:
        ticket = await tickets.get(session, ticket_id, visible_to=reader.principal.customer_id)
    return reader.answer(TicketOut.of(ticket))
"""

from contextlib import AbstractAsyncContextManager

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from shared.db.work import Session
from shared.web.answers import BytesResponse, to_bytes
from shared.web.authentication import Principal
from shared.web.edge import Edge, headers_of
from shared.web.etag import etag, is_fresh
from shared.web.permissions import Guard

# A client may keep the answer for itself, and asks again with If-None-Match before it shows it.
REVALIDATE = "private, no-cache"


class Reader:
    """One admitted request that changes nothing."""

    __slots__ = ("_edge", "_request", "principal")

    def __init__(self, edge: Edge, request: Request, principal: Principal) -> None:
        self._edge = edge
        self._request = request
        self.principal = principal

    def session(self) -> AbstractAsyncContextManager[Session]:
        """A connection for reading, outside a transaction."""
        return self._edge.database.session()

    def answer(self, shown: BaseModel) -> Response:
        """The model as JSON; with its `version` as ETag if it has one, and 304 when the caller has it already."""
        body = to_bytes(shown)
        version = getattr(shown, "version", None)
        if not isinstance(version, int):
            return BytesResponse(body)
        tag = etag(version, body)
        headers = {"etag": tag, "cache-control": REVALIDATE}
        asked = headers_of(self._request.scope).get(b"if-none-match")
        if asked is not None and is_fresh(asked.decode("latin-1"), tag):
            return BytesResponse(b"", 304, headers)
        return BytesResponse(body, 200, headers)


class Reading(Guard):
    """The guard of an operation that reads."""

    async def __call__(self, request: Request) -> Reader:
        edge, principal = await self.admit(request)
        return Reader(edge, request, principal)


def reading(operation_id: str) -> Reading:
    """`reader: Reader = Depends(reading("get_ticket"))`."""
    return Reading(operation_id)
