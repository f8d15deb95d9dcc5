"""What the routes of one service share: its database, who may come in, and how often."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.types import Scope

from shared.db.database import Database
from shared.kernel.errors import UnauthenticatedError
from shared.telemetry import context
from shared.web.authentication import InvalidTokenError, Principal, TokenVerifier

if TYPE_CHECKING:
    from shared.web.permissions import Permissions
    from shared.web.rate_limits import RateLimits

HEADERS = "careloop.headers"
_SCHEME = b"bearer "


class Edge:
    """Made once by `create_app`, found by every guard in the application's state."""

    __slots__ = ("database", "limits", "permissions", "service", "verifier")

    def __init__(
        self,
        *,
        service: str,
        database: Database,
        verifier: TokenVerifier,
        permissions: "Permissions",
        limits: "RateLimits | None" = None,
    ) -> None:
        self.service = service
        self.database = database
        self.verifier = verifier
        self.permissions = permissions
        self.limits = limits

    async def authenticate(self, request: Request) -> Principal:
        """The principal of the bearer token. Raises `UnauthenticatedError`, `RateLimitedError`."""
        header = headers_of(request.scope).get(b"authorization")
        if header is None:
            raise UnauthenticatedError
        if header[:7].lower() != _SCHEME:
            raise InvalidTokenError("Authorization must be `Bearer <token>`.", token_refused=True)
        token = header[7:].strip()
        principal = self.verifier.recall(token) or await self.verifier.verify(token)
        working = context.current()
        if working is not None:
            working.who = principal.role
        if self.limits is not None:
            self.limits.take_for_principal(request.scope, principal)
        return principal


def edge_of(request: Request) -> Edge:
    edge: Edge = request.scope["app"].state.edge
    return edge


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The request's headers by lower-case name, read once a request."""
    found: dict[bytes, bytes] | None = scope.get(HEADERS)
    if found is None:
        sent = scope["headers"]
        found = scope[HEADERS] = dict(sent)
        if len(found) != len(sent):
            # As one list (RFC 9110 §5.3), so that a header that must be single is refused and not chosen.
            for name in found:
                found[name] = b", ".join(value for one, value in sent if one == name)
    return found
