"""The stack as a whole: killed, started again on the same data, supervised, and gone at the end."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from careloop.infrastructure.errors import StateDirectoryInUseError
from careloop.infrastructure.service_process import ROLES
from careloop.issuer import issue_token
from careloop.registry import SERVICES
from careloop.stack import Stack, running_stack, table_of
from shared.testing.waiting import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.kafka,
    pytest.mark.crash,
    pytest.mark.timeout(400),
]

WAIT_SECONDS = 60
TICKET = {
    "channel": "phone",
    "subject": "VPN 登录失败",
    "customer_id": "0197a3c1-0000-7000-8000-000000000001",
}
HOLDER = """
import asyncio, json, os, sys
import psutil
from careloop.stack import running_stack

async def main():
    async with running_stack(sys.argv[1]) as stack:
        family = [child.pid for child in psutil.Process().children(recursive=True)]
        print(json.dumps({"url": stack.gateway_url, "pids": family}), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="module")
def killed(state_dir: Path) -> dict[str, Any]:
    """What became of a stack that opened a ticket and whose holder was then killed."""
    command = [sys.executable, "-c", HOLDER, str(state_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        told = json.loads(holder.stdout.readline())
        family = [psutil.Process(pid) for pid in told["pids"]]
        with client(told["url"], state_dir) as http:
            opened = http.post("/ticketing/v1/tickets", json=TICKET)
        holder.kill()
    _, alive = psutil.wait_procs(family, WAIT_SECONDS)
    return {"processes": len(family), "alive": alive, "opened": opened}


def client(url: str, state_dir: Path) -> httpx.Client:
    token = issue_token(state_dir, "agent", "agent-1")
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=20)


@asynccontextmanager
async def restarted(state_dir: Path) -> AsyncIterator[tuple[Stack, list[tuple[str, str]]]]:
    said: list[tuple[str, str]] = []
    async with running_stack(state_dir, say=lambda name, line: said.append((name, line))) as stack:
        yield stack, said


async def test_a_stack_survives_everything_but_its_end(killed: dict[str, Any], state_dir: Path) -> None:
    assert killed["opened"].status_code == 201, killed["opened"].text
    # Eight processes, database, broker and gateway, each with its guard.
    assert killed["processes"] >= 2 * (2 * len(SERVICES) + 3)
    assert killed["alive"] == []

    # This process may hold servers of other tests, which are not the stack's.
    others = set(psutil.Process().children(recursive=True))
    async with restarted(state_dir) as (stack, said):
        family = set(psutil.Process().children(recursive=True)) - others
        await ticket_is_kept(stack, killed["opened"])
        await one_origin(stack)
        await second_stack_is_refused(stack)
        await broker_away(stack)
        await process_killed(stack, said)
        names = [
            *(f"{service}-{role}" for service in SERVICES for role in ROLES),
            "postgres",
            "kafka",
            "gateway",
        ]
        assert set(stack.processes) == set(names[:-3])
        assert table_of(stack).row_count == len(SERVICES) + len(names) + 3

    assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
    stopped = [name for name, line in said if line == "stopped"]
    assert stopped[0] == "gateway"
    assert sorted(stopped[-2:]) == ["kafka", "postgres"]


async def ticket_is_kept(stack: Stack, opened: httpx.Response) -> None:
    with client(stack.gateway_url, stack.state_dir) as http:
        answer = http.get(opened.headers["location"])
    assert answer.json()["subject"] == TICKET["subject"]
    assert answer.headers["etag"] == opened.headers["etag"]


async def one_origin(stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=stack.gateway_url) as http:
        for service in SERVICES:
            answer = await http.get(f"/{service}/v1/dead-letters")
            assert answer.status_code == 401
            assert answer.json()["code"] == "unauthenticated"
        document = (await http.get("/openapi.json")).json()
        assert {path.split("/")[1] for path in document["paths"]} == set(SERVICES)
        assert (await http.get("/docs/")).status_code == 200
        assert (await http.get("/.well-known/jwks.json")).json()["keys"][0]["kty"] == "EC"


async def second_stack_is_refused(stack: Stack) -> None:
    with pytest.raises(StateDirectoryInUseError):
        async with running_stack(stack.state_dir):
            pass
    assert stack.gateway.is_running


async def broker_away(stack: Stack) -> None:
    async with stack.without("kafka"):
        assert not stack.kafka.is_running
        with client(stack.gateway_url, stack.state_dir) as http:
            assert http.post("/ticketing/v1/tickets", json=TICKET).status_code == 201
    assert stack.kafka.is_running
    assert stack.supervisor.restarts == {}


async def process_killed(stack: Stack, said: list[tuple[str, str]]) -> None:
    worker = stack.processes["ticketing-worker"]
    before = worker.pid
    worker.kill()

    async def ready_again() -> bool:
        return worker.is_running and worker.pid != before and said[-1][1].startswith("ready")

    await eventually(ready_again, timeout_seconds=WAIT_SECONDS)
    assert any(name == "ticketing-worker" and line.startswith("ended") for name, line in said)
