"""The demo's way in: the suite's HTTP API and nothing else."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from careloop.issuer import issue_token
from careloop.registry import SERVICES
from careloop.sample.in_process_http import HttpAnswer, request
from shared.kernel.errors import CareloopError

TOKEN_MINUTES = 240
PAGE = 200
ROLES = ("agent", "supervisor", "quality", "admin", "system")
PRECONDITION_FAILED = 412
SHOWN_BYTES = 2000


class DemoRefusedError(CareloopError):
    """The suite refused a request of the demo."""


class Answer:
    """What came back: the JSON body, and the ETag for the next change."""

    __slots__ = ("body", "etag")

    def __init__(self, response: HttpAnswer) -> None:
        self.body: Any = response.json()
        self.etag: str | None = response.headers.get("etag")


class SuiteClient:
    """Speaks to a suite as people and systems of each role.

    reread  how often a change was refused because the suite itself had changed the resource meanwhile (a breach
            escalates a ticket); it was then read again and sent with its new ETag, as a person would
    """

    def __init__(self, app: ASGIApp, tokens: Mapping[str, str]) -> None:
        self._app = app
        self._headers = {role: {"authorization": f"Bearer {token}"} for role, token in tokens.items()}
        self.requests = 0
        self.reread = 0

    async def get(self, path: str, *, role: str = "supervisor", **query: Any) -> Answer:
        given = {name: value for name, value in query.items() if value is not None}
        return await self._accepted("GET", path, role, query=given)

    async def post(self, path: str, body: Any, *, role: str = "agent") -> Answer:
        headers, content = _as_json(body)
        return await self._accepted("POST", path, role, headers=headers, content=content)

    async def change(
        self, resource: str, path: str, body: Any, *, etag: str | None, role: str = "agent"
    ) -> Answer:
        """POST to `resource/path` with If-Match; once more with a fresh ETag when the resource had changed."""
        target = f"{resource}/{path}"
        headers, content = _as_json(body)
        headers["if-match"] = etag or ""
        answer = await self._send("POST", target, role, headers=headers, content=content)
        if answer.status != PRECONDITION_FAILED:
            return _usable("POST", target, answer)
        self.reread += 1
        headers["if-match"] = (await self.get(resource, role=role)).etag or ""
        return await self._accepted("POST", target, role, headers=headers, content=content)

    async def upload(
        self, path: str, content: bytes, media_type: str, *, role: str = "admin", **query: Any
    ) -> Answer:
        headers = {"content-type": media_type}
        return await self._accepted("POST", path, role, headers=headers, content=content, query=query)

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

    async def _accepted(self, method: str, path: str, role: str, **request_parts: Any) -> Answer:
        return _usable(method, path, await self._send(method, path, role, **request_parts))

    async def _send(
        self,
        method: str,
        path: str,
        role: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        query: Mapping[str, Any] | None = None,
    ) -> HttpAnswer:
        self.requests += 1
        authorized = {**self._headers[role], **(headers or {})}
        return await request(self._app, method, path, headers=authorized, content=content, query=query)


def suite_client(app: ASGIApp, state_dir: Path) -> SuiteClient:
    """A client of a suite in this process, with tokens of its development issuer."""
    return SuiteClient(
        app,
        {
            role: issue_token(state_dir, role, f"demo-{role}", scopes=_scopes(role), minutes=TOKEN_MINUTES)
            for role in ROLES
        },
    )


def _usable(method: str, path: str, answer: HttpAnswer) -> Answer:
    if answer.is_error:
        said = answer.content[:SHOWN_BYTES].decode(errors="replace")
        raise DemoRefusedError(f"{method} {path} → {answer.status}: {said}")
    return Answer(answer)


def _as_json(body: Any) -> tuple[dict[str, str], bytes]:
    if body is None:
        return {}, b""
    return {"content-type": "application/json"}, json.dumps(body, ensure_ascii=False).encode()


def _scopes(role: str) -> list[str]:
    return [f"{name}:*" for name in SERVICES] if role == "system" else []
