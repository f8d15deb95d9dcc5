"""The short way answers as FastAPI's own way does, only sooner."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi import APIRouter, Depends, Request

from shared.web.authentication import Principal
from shared.web.lean import LeanRoute
from shared.web.models import ApiModel
from shared.web.permissions import allow

NOTES = "/notes/v1/notes"
JSON = {"Content-Type": "application/json"}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", NOTES, {"json": {"text": "x"}}),
    ("POST", NOTES, {"json": {"text": "x", "due_at": "2026-03-02T09:00:00+08:00", "tags": ["1", 2]}}),
    (
        "POST",
        NOTES,
        {"content": b'{"text": "x"}', "headers": {"Content-Type": "application/JSON; charset=utf-8"}},
    ),
    ("POST", NOTES, {"content": b'{"text": "x"}', "headers": {"Content-Type": "application/vnd.note+json"}}),
    ("POST", NOTES, {"content": b'{"text": "x"}', "headers": {"Content-Type": "text/plain"}}),
    ("POST", NOTES, {"content": b"", "headers": JSON}),
    ("POST", NOTES, {}),
    ("POST", NOTES, {"json": {"text": "", "tags": ["x"], "more": 1}}),
    ("POST", NOTES, {"json": []}),
    ("POST", NOTES, {"json": {"text": "a\0b"}}),
    ("POST", NOTES, {"json": {"text": "refused"}}),
    ("PUT", f"{NOTES}/seven", {"json": {"text": ""}}),
    ("PUT", f"{NOTES}/{uuid4()}", {"json": {"text": "x"}}),
    ("PUT", f"{NOTES}/{uuid4()}", {"json": {"text": "x"}, "headers": {"If-Match": '"1"'}}),
    ("DELETE", f"{NOTES}/{uuid4()}", {}),
    ("GET", f"{NOTES}/{uuid4()}", {}),
    ("GET", f"{NOTES}/seven", {}),
    ("GET", "/notes/v1/me", {}),
    ("GET", "/notes/v1/broken", {}),
    ("PATCH", NOTES, {"json": {}}),
]


def told(answer: Any) -> tuple[Any, ...]:
    content = answer.json() if answer.content else {}
    faults = [(one["field"], one["rule"]) for one in content.get("errors", [])]
    return answer.status_code, answer.headers.get("content-type"), content.get("code"), sorted(faults)


@pytest.mark.parametrize("role", ["admin", "quality", None])
async def test_both_ways_say_the_same(role: str | None, make_app: Any, make_client: Any) -> None:
    lean, full = make_app(), make_app()
    routes = [route for route in full.routes if isinstance(route, LeanRoute) and route.lean]
    assert {route.name for route in routes} >= {"add_note", "change_note", "get_note", "who_am_i"}
    for route in routes:
        route.lean = None
    for method, path, options in REQUESTS:
        short = await make_client(role, of=lean).request(method, path, **options)
        long = await make_client(role, of=full).request(method, path, **options)
        assert told(short) == told(long), (method, path, options)


class Shown(ApiModel):
    path: str
    who: str
    extra: str


async def extra(request: Request) -> str:
    return request.headers.get("x-extra", "none")


async def test_request_and_further_dependencies_are_handed_over(make_app: Any, make_client: Any) -> None:
    router = APIRouter()

    @router.get("/shown/{thing}", status_code=203)
    async def show(
        thing: int,
        request: Request,
        extra: str = Depends(extra),
        principal: Principal = Depends(allow("show")),  # noqa: B008 - as services write it
    ) -> Shown:
        return Shown(path=request.url.path, who=f"{principal.role} {thing + 1}", extra=extra)

    app = make_app(routers=[router], permissions={"show": frozenset({"agent"})})
    route = next(route for route in app.routes if isinstance(route, LeanRoute))
    assert route.lean is not None
    answer = await make_client("agent", of=app).get("/notes/v1/shown/7", headers={"X-Extra": "yes"})
    assert (answer.status_code, answer.json()) == (
        203,
        {"path": "/notes/v1/shown/7", "who": "agent 8", "extra": "yes"},
    )


async def test_nothing_of_a_body_is_read_for_somebody_who_may_not_come_in(make_client: Any) -> None:
    read = []

    async def body() -> Any:
        read.append(1)
        yield b"{"

    for role, status in ((None, 401), ("quality", 403)):
        assert (await make_client(role).post(NOTES, content=body(), headers=JSON)).status_code == status
    assert not read


@pytest.mark.parametrize(
    "parameters",
    ["word: str = ''", "body: Note | None = None", "body: list[Note] = []", "*, word: str = Header('')"],
)
def test_other_shapes_keep_fastapis_way(parameters: str, make_app: Any) -> None:
    from fastapi import Header

    class Note(ApiModel):
        text: str

    router, guard = APIRouter(), allow("odd")
    names = {"Note": Note, "Header": Header, "Depends": Depends, "guard": guard, "Principal": Principal}
    text = f"async def odd({parameters}, who: Principal = Depends(guard)) -> None: ..."
    exec(text, names)
    router.post("/odd")(names["odd"])
    app = make_app(routers=[router], permissions={"odd": frozenset({"agent"})})
    assert [route.lean for route in app.routes if isinstance(route, LeanRoute)] == [None]
