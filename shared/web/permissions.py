"""Who may do what: one table a service, by operation id.

    PERMISSIONS = {"open_ticket": frozenset({"agent", "supervisor", "customer", "system"}), …}

A `system` principal needs its row and a scope besides: `<service>:<operation>` or `<service>:*`.
"""

from collections.abc import Mapping

from starlette.requests import Request

from shared.kernel.errors import PermissionDeniedError
from shared.web.authentication import ROLES, Principal
from shared.web.edge import Edge, edge_of


class PermissionTableError(Exception):
    """The table of permissions and the operations do not match; the service must not start."""


class Permissions:
    """The table of one service."""

    def __init__(self, service: str, table: Mapping[str, frozenset[str]]) -> None:
        for operation_id, roles in table.items():
            if unknown := roles - ROLES:
                raise PermissionTableError(f"{operation_id}: unknown roles {sorted(unknown)}")
        self._service = service
        self._table = dict(table)
        self._scopes = {name: frozenset({f"{service}:{name}", f"{service}:*"}) for name in table}

    @property
    def table(self) -> Mapping[str, frozenset[str]]:
        return self._table

    def require(self, principal: Principal, operation_id: str) -> None:
        """Raises `PermissionDeniedError` unless the principal may do this."""
        if principal.role not in self._table[operation_id]:
            raise PermissionDeniedError(
                f"A principal of role {principal.role} may not {_said(operation_id)}."
            )
        if principal.role == "system" and not principal.scopes & self._scopes[operation_id]:
            raise PermissionDeniedError(
                f"The token lacks the scope {self._service}:{operation_id} (or {self._service}:*)."
            )


class Guard:
    """A dependency that admits a request to one operation. Every route has exactly one."""

    def __init__(self, operation_id: str) -> None:
        self.operation_id = operation_id

    async def admit(self, request: Request) -> tuple[Edge, Principal]:
        """Authenticate, limit and authorise. Raises 401, 429 and 403 errors, in this order."""
        edge = edge_of(request)
        principal = await edge.authenticate(request)
        edge.permissions.require(principal, self.operation_id)
        return edge, principal


class Allow(Guard):
    """A guard that hands over the principal and nothing else."""

    async def __call__(self, request: Request) -> Principal:
        return (await self.admit(request))[1]


def allow(operation_id: str) -> Allow:
    """`principal: Principal = Depends(allow("operation_id"))`: for routes that open no Work and read no rows."""
    return Allow(operation_id)


def _said(operation_id: str) -> str:
    return operation_id.replace("_", " ")
