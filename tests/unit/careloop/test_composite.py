"""Paths find their service; everything else is a problem."""

from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from careloop.composite import Composite
from careloop.pages import suite_pages


class Named:
    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(f"{self.name} {scope['path']}")(scope, receive, send)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/sla/v1/clocks", 200, "sla /sla/v1/clocks"),
        ("/ticketing/v1/tickets/1/messages", 200, "ticketing /ticketing/v1/tickets/1/messages"),
        ("/sla/v2/clocks", 404, None),
        ("/sla/metrics", 404, None),
        ("/metrics", 404, None),
        ("/sla", 404, None),
        ("//sla/v1/", 404, None),
        ("/docs/nothing", 404, None),
        ("/docs/", 200, "<p>docs</p>"),
        ("/openapi.json", 200, "{}"),
    ],
)
async def test_only_versioned_paths_of_known_services_are_routed(
    path: str, status: int, text: str | None, tmp_path: Path
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text("<p>docs</p>")
    (tmp_path / "openapi.json").write_text("{}")
    pages = suite_pages(tmp_path, tmp_path / "jwks.json")
    composite = Composite({"sla": Named("sla"), "ticketing": Named("ticketing")}, pages)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(composite), base_url="http://suite") as client:
        response = await client.get(f"http://suite{path}")
    assert response.status_code == status
    if text is None:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] == "path_not_found"
    else:
        assert response.text == text
