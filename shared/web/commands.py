"""How a route changes something: one command, one `Work`, one commit, one answer.

@router.post("/tickets", status_code=201, response_model=TicketOut)
async def open_ticket(body: OpenTicketIn, edge: CommandEdge = Depends(command("open_ticket"))) -> Response:
    return await edge.run(
        lambda work: open_ticket_usecase(body.to_command(edge.principal), work),
        present=TicketOut.of, status=201, location=lambda ticket: f"/ticketing/v1/tickets/{ticket.id}",
    )
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from shared.db.work import Work
from shared.kernel.context import Actor, Origin
from shared.telemetry import context
from shared.web.answers import BytesResponse, to_bytes
from shared.web.authentication import Principal
from shared.web.edge import Edge, headers_of
from shared.web.etag import etag, expected_version
from shared.web.idempotency import Answer, Key, KeyTakenMeanwhileError
from shared.web.permissions import Guard

T = TypeVar("T")

# The second attempt always finds the key that the first one lost to.
IDEMPOTENT_ATTEMPTS = 2


class CommandEdge:
    """One admitted request that wants to change something."""

    __slots__ = ("_edge", "_operation_id", "_request", "principal")

    def __init__(self, edge: Edge, request: Request, principal: Principal, operation_id: str) -> None:
        self._edge = edge
        self._request = request
        self._operation_id = operation_id
        self.principal = principal

    @property
    def actor(self) -> Actor:
        return self.principal.actor

    @property
    def expected_version(self) -> int:
        """The version in If-Match. Raises 428 without it; the store compares it under its lock (412)."""
        header = headers_of(self._request.scope).get(b"if-match")
        return expected_version(None if header is None else header.decode("latin-1"))

    @property
    def origin(self) -> Origin | None:
        working = context.current()
        return None if working is None else working.origin()

    async def run(
        self,
        command: Callable[[Work], Awaitable[T]],
        *,
        present: Callable[[T], BaseModel] | None = None,
        status: int | Callable[[T], int] | None = None,
        location: str | Callable[[T], str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Run the command in a transaction of its own and answer with what it returned.

        `present` makes the body (none: 204), whose `version`, if it has one, makes the ETag; `status` (a function
        of the result, too) is 200 unless given; `location` becomes the Location header. With an Idempotency-Key
        the answer is stored in the same transaction, and a repeated request gets it again without a second
        effect.
        """

        async def answered(work: Work) -> Answer:
            return _answer(await command(work), present, status, location, headers)

        sent_key = headers_of(self._request.scope).get(b"idempotency-key")
        if sent_key is None:
            return _response(await self.perform(answered))
        key = await self._key(sent_key)
        for attempt in range(1, IDEMPOTENT_ATTEMPTS + 1):
            try:
                return _response(await self.perform(lambda work: key.once(work, lambda: answered(work))))
            except KeyTakenMeanwhileError:
                if attempt == IDEMPOTENT_ATTEMPTS:
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def perform(self, command: Callable[[Work], Awaitable[T]]) -> T:
        """One command, one commit, without idempotency key and answer: for a route that runs several (bulk)."""
        return await self._edge.database.run(command, actor=self.principal.actor, origin=self.origin)

    async def _key(self, sent: bytes) -> Key:
        scope = self._request.scope
        return Key.of(
            sent,
            principal=str(self.principal.actor),
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            body=await self._request.body(),
            operation_id=self._operation_id,
        )


IfMatch = Literal["required", "optional", "none"]


class Command(Guard):
    """The guard of an operation that changes something."""

    def __init__(self, operation_id: str, if_match: IfMatch | None = None) -> None:
        super().__init__(operation_id)
        self.if_match = if_match

    async def __call__(self, request: Request) -> CommandEdge:
        edge, principal = await self.admit(request)
        return CommandEdge(edge, request, principal, self.operation_id)


def command(operation_id: str, if_match: IfMatch | None = None) -> Command:
    """`edge: CommandEdge = Depends(command("open_ticket"))`.

    `if_match` is what the OpenAPI document says about If-Match. Left out, it is found: required where the route
    (or a function of its service that it calls) reads `expected_version`.
    """
    return Command(operation_id, if_match)


def _answer(
    result: T,
    present: Callable[[T], BaseModel] | None,
    status: int | Callable[[T], int] | None,
    location: str | Callable[[T], str] | None,
    extra: Mapping[str, str] | None,
) -> Answer:
    headers = dict(extra) if extra else {}
    if location is not None:
        headers["location"] = location if isinstance(location, str) else location(result)
    if callable(status):
        status = status(result)
    if present is None:
        return Answer(status or 204, headers, b"")
    shown = present(result)
    body = to_bytes(shown)
    version = getattr(shown, "version", None)
    if isinstance(version, int):
        headers["etag"] = etag(version, body)
    return Answer(status or 200, headers, body)


def _response(answer: Answer) -> Response:
    return BytesResponse(answer.body, answer.status, answer.headers)
