"""The demo's way in: the suite's HTTP API and nothing else."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from careloop.issuer import issue_token
from shared.kernel.errors import CareloopError

TOKEN_MINUTES = 240
ROLES = ("agent", "supervisor", "quality", "admin", "system")


class DemoRefusedError(CareloopError):
    """The suite refused a request of the demo."""


class Answer:
    """What came back: the JSON body, and the ETag for the next change."""

    __slots__ = ("body", "etag")

    def __init__(self, response: httpx.Response) -> None:
        self.body: Any = response.json() if response.content else None
        self.etag = response.headers.get("etag")


class SuiteClient:
    """Speaks to a suite as people and systems of each role."""

    def __init__(self, http: httpx.AsyncClient, tokens: Mapping[str, str]) -> None:
        self._http = http
        self._tokens = dict(tokens)
        self.requests = 0

    async def get(self, path: str, *, role: str = "supervisor", **query: Any) -> Answer:
        return await self._send("GET", path, role, params={k: v for k, v in query.items() if v is not None})

    async def post(
        self,
        path: str,
        body: Any,
        *,
        role: str = "agent",
        etag: str | None = None,
    ) -> Answer:
        headers = {} if etag is None else {"If-Match": etag}
        return await self._send("POST", path, role, json=body, headers=headers)

    async def upload(
        self, path: str, content: bytes, media_type: str, *, role: str = "admin", **query: Any
    ) -> Answer:
        return await self._send(
            "POST", path, role, content=content, headers={"Content-Type": media_type}, params=query
        )

    async def pages(
        self, path: str, *, role: str = "supervisor", **query: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor: str | None = None
        while True:
            page = (await self.get(path, role=role, limit=200, cursor=cursor, **query)).body
            for item in page["items"]:
                yield item
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    async def _send(
        self, method: str, path: str, role: str, *, headers: Any = None, **content: Any
    ) -> Answer:
        self.requests += 1
        authorized = {"Authorization": f"Bearer {self._tokens[role]}", **(headers or {})}
        response = await self._http.request(method, path, headers=authorized, **content)
        if response.is_error:
            raise DemoRefusedError(f"{method} {path} → {response.status_code}: {response.text[:2000]}")
        return Answer(response)


@asynccontextmanager
async def suite_client(app: ASGIApp, state_dir: Path) -> AsyncIterator[SuiteClient]:
    """A client of a suite in this process, with tokens of its development issuer."""
    tokens = {
        role: issue_token(state_dir, role, f"demo-{role}", scopes=_scopes(role), minutes=TOKEN_MINUTES)
        for role in ROLES
    }
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://careloop", timeout=60) as http:
        yield SuiteClient(http, tokens)


def _scopes(role: str) -> list[str]:
    return (
        [f"{name}:*" for name in ("ticketing", "sla", "valuation", "complaints")] if role == "system" else []
    )
