"""The real stack, PostgreSQL, Kafka, Caddy and eight processes, and a client that goes through its gateway."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from careloop.issuer import issue_token
from careloop.stack import Stack, running_stack

SCOPES = [f"{name}:*" for name in ("ticketing", "sla", "valuation", "complaints")]


class Through:
    """Requests through the gateway as some role."""

    def __init__(self, http: httpx.AsyncClient, state_dir: Path) -> None:
        self._http = http
        self._state_dir = state_dir
        self._tokens: dict[str, str] = {}

    async def send(
        self, method: str, path: str, *, role: str = "supervisor", **request: Any
    ) -> httpx.Response:
        token = self._tokens.get(role)
        if token is None:
            scopes = SCOPES if role == "system" else []
            token = self._tokens[role] = issue_token(
                self._state_dir, role, f"e2e-{role}", scopes=scopes, minutes=60
            )
        headers = {"Authorization": f"Bearer {token}", **request.pop("headers", {})}
        return await self._http.request(method, path, headers=headers, **request)

    async def get(self, path: str, **request: Any) -> Any:
        answer = await self.send("GET", path, **request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, **request: Any) -> Any:
        answer = await self.send("POST", path, json=body, **request)
        assert answer.is_success, answer.text
        return answer.json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("stack"), durable=False) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through(stack: Stack) -> AsyncIterator[Through]:
    async with httpx.AsyncClient(base_url=stack.gateway_url, timeout=15) as http:
        yield Through(http, stack.state_dir)
