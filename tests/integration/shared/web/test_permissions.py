"""Every operation against every role, and tables that do not match their routes."""

from typing import Annotated, Any
from uuid import uuid4

import pytest
from fastapi import APIRouter, Depends

from shared.web.authentication import ROLES
from shared.web.permissions import PermissionTableError, allow
from shared.web.reads import Reader, reading

REQUESTS = {
    "add_note": ("POST", "/notes/v1/notes"),
    "change_note": ("PUT", f"/notes/v1/notes/{uuid4()}"),
    "touch_notes": ("POST", f"/notes/v1/notes/{uuid4()}/touch"),
    "remove_note": ("DELETE", f"/notes/v1/notes/{uuid4()}"),
    "get_note": ("GET", f"/notes/v1/notes/{uuid4()}"),
    "list_notes": ("GET", "/notes/v1/notes"),
    "who_am_i": ("GET", "/notes/v1/me"),
    "break_down": ("GET", "/notes/v1/broken"),
}


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_a_role_passes_where_its_row_says_so_and_nowhere_else(
    role: str, make_client: Any, app: Any
) -> None:
    claims: dict[str, Any] = {"customer_id": str(uuid4())} if role == "customer" else {}
    if role == "system":
        claims["scopes"] = "notes:*"
    client = make_client(role, **claims)
    table = app.state.edge.permissions.table
    assert table.keys() == REQUESTS.keys()
    for operation, (method, path) in REQUESTS.items():
        answer = await client.request(method, path)
        assert (answer.status_code == 403) == (role not in table[operation]), (operation, answer.text)
        if answer.status_code == 403:
            assert answer.json()["code"] == "permission_denied"


@pytest.mark.parametrize(
    ("scopes", "status"),
    [("", 403), ("notes:list_notes", 200), ("notes:*", 200), ("other:*", 403), ("notes:add_note x:y", 403)],
)
async def test_a_system_needs_the_scope_too(scopes: str, status: int, make_client: Any) -> None:
    assert (await make_client("system", scopes=scopes).get("/notes/v1/notes")).status_code == status


async def test_scopes_do_not_help_people(make_client: Any) -> None:
    answer = await make_client("agent", scopes="notes:*").delete(f"/notes/v1/notes/{uuid4()}")
    assert answer.status_code == 403


def route_of(*guards: Any) -> APIRouter:
    router = APIRouter()

    @router.get("/things", dependencies=[Depends(guard) for guard in guards])
    async def list_things() -> None:
        """Nothing."""

    return router


@pytest.mark.parametrize(
    ("guards", "table"),
    [
        ([], {"list_things": frozenset({"agent"})}),
        ([allow("list_others")], {"list_things": frozenset({"agent"})}),
        ([allow("list_things"), allow("list_things")], {"list_things": frozenset({"agent"})}),
        ([allow("list_things")], {}),
        ([allow("list_things")], {"list_things": frozenset({"agent"}), "gone": frozenset({"agent"})}),
        ([allow("list_things")], {"list_things": frozenset({"agnet"})}),
    ],
)
def test_a_service_whose_table_and_routes_differ_does_not_start(
    guards: list[Any], table: dict[str, frozenset[str]], make_app: Any
) -> None:
    with pytest.raises(PermissionTableError):
        make_app(routers=[route_of(*guards)], permissions=table)


async def test_nested_routers_are_guarded_and_served(make_app: Any, make_client: Any) -> None:
    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/outer")

    @inner.get("/{thing}")
    async def get_thing(thing: str, reader: Annotated[Reader, Depends(reading("get_thing"))]) -> str:
        return thing

    outer.include_router(inner)
    app = make_app(routers=[outer], permissions={"get_thing": frozenset({"agent"})})
    assert (await make_client("agent", of=app).get("/notes/v1/outer/inner/x")).json() == "x"
    assert (await make_client("admin", of=app).get("/notes/v1/outer/inner/x")).status_code == 403
