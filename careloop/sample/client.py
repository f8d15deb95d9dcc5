"""The demo's way in: the suite's HTTP API and nothing else."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from careloop.issuer import issue_token
from careloop.registry import SERVICES
from shared.kernel.errors import CareloopError

TOKEN_MINUTES = 240
TIMEOUT_SECONDS = 60.0
PAGE = 200
ROLES = ("agent", "supervisor", "quality", "admin", "system")
PRECONDITION_FAILED = 412
SHOWN_CHARACTERS = 2000


class DemoRefusedError(CareloopError):
    """The suite refused a request of the demo."""


class Answer:
    """What came back: the JSON body, and the ETag for the next change."""

    __slots__ = ("body", "etag")

    def __init__(self, response: httpx.Response) -> None:
        self.body: Any = response.json() if response.content else None
        self.etag: str | None = response.headers.get("etag")


class SuiteClient:
    """Speaks to a suite as people and systems of each role.

    reread  how often a change was refused because the suite itself had changed the resource meanwhile (a breach
            escalates a ticket); it was then read again and sent with its new ETag, as a person would
    """

    def __init__(self, http: httpx.AsyncClient, tokens: Mapping[str, str]) -> None:
        self._http = http
        self._headers = {role: f"Bearer {token}" for role, token in tokens.items()}
        self.requests = 0
        self.reread = 0

    async def get(self, path: str, *, role: str = "supervisor", **query: Any) -> Answer:
        return Answer(await self._sent("GET", path, role, params=_given(query)))

    async def post(self, path: str, body: Any, *, role: str = "agent") -> Answer:
        return Answer(await self._sent("POST", path, role, json=body))

    async def change(
        self, resource: str, path: str, body: Any, *, etag: str | None, role: str = "agent"
    ) -> Answer:
        """POST to `resource/path` with If-Match; once more with a fresh ETag when the resource had changed."""
        target = f"{resource}/{path}"
        headers = {"If-Match": etag or ""}
        response = await self._send("POST", target, role, json=body, headers=headers)
        if response.status_code == PRECONDITION_FAILED:
            self.reread += 1
            fresh = await self.get(resource, role=role)
            headers = {"If-Match": fresh.etag or ""}
            response = await self._send("POST", target, role, json=body, headers=headers)
        return Answer(_accepted("POST", target, response))

    async def upload(
        self, path: str, content: bytes, media_type: str, *, role: str = "admin", **query: Any
    ) -> Answer:
        headers = {"Content-Type": media_type}
        return Answer(
            await self._sent("POST", path, role, content=content, headers=headers, params=_given(query))
        )

    async def pages(
        self, path: str, *, role: str = "supervisor", **query: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor: str | None = None
        while True:
            page = (await self.get(path, role=role, limit=PAGE, cursor=cursor, **query)).body
            for item in page["items"]:
                yield item
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    async def _sent(self, method: str, path: str, role: str, **content: Any) -> httpx.Response:
        return _accepted(method, path, await self._send(method, path, role, **content))

    async def _send(
        self,
        method: str,
        path: str,
        role: str,
        *,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> httpx.Response:
        self.requests += 1
        authorized = {"Authorization": self._headers[role], **(headers or {})}
        return await self._http.request(method, path, headers=authorized, **content)


@asynccontextmanager
async def suite_client(app: ASGIApp, state_dir: Path) -> AsyncIterator[SuiteClient]:
    """A client of a suite in this process, with tokens of its development issuer."""
    tokens = {
        role: issue_token(state_dir, role, f"demo-{role}", scopes=_scopes(role), minutes=TOKEN_MINUTES)
        for role in ROLES
    }
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://careloop", timeout=TIMEOUT_SECONDS
    ) as http:
        yield SuiteClient(http, tokens)


def _accepted(method: str, path: str, response: httpx.Response) -> httpx.Response:
    if response.is_error:
        raise DemoRefusedError(
            f"{method} {path} → {response.status_code}: {response.text[:SHOWN_CHARACTERS]}"
        )
    return response


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _scopes(role: str) -> list[str]:
    return [f"{name}:*" for name in SERVICES] if role == "system" else []
