"""A small service of notes on a real PostgreSQL, with everything that `create_app` gives a service."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from fastapi import APIRouter, Depends, FastAPI, Response
from pydantic import Field

from shared.db.database import Database
from shared.db.migrations import frozen_sql
from shared.db.statements import statement
from shared.db.work import Session, Work
from shared.kernel.clock import SystemClock
from shared.kernel.errors import NotFoundError
from shared.kernel.ids import new_id
from shared.telemetry import logs
from shared.testing.databases import TestDatabases
from shared.testing.tokens import AUDIENCE, ISSUER, TestIssuer
from shared.web.app import create_app
from shared.web.authentication import Principal, TokenVerifier
from shared.web.commands import CommandEdge, command
from shared.web.cursors import Paging, paging
from shared.web.etag import require_version
from shared.web.keys import key_source
from shared.web.models import ApiModel, Instant, Page
from shared.web.permissions import allow
from shared.web.reads import Reader, reading

EVERYBODY = frozenset({"agent", "supervisor", "quality", "admin", "system", "customer"})
PERMISSIONS = {
    "add_note": frozenset({"agent", "supervisor", "admin", "system", "customer"}),
    "change_note": frozenset({"agent", "admin"}),
    "touch_notes": frozenset({"admin"}),
    "remove_note": frozenset({"admin"}),
    "get_note": EVERYBODY,
    "list_notes": EVERYBODY,
    "who_am_i": EVERYBODY,
    "break_down": frozenset({"admin"}),
}
TABLE = (
    "CREATE TABLE notes (id uuid PRIMARY KEY, text text NOT NULL, actor text NOT NULL, version int NOT NULL)"
)
ADD = statement(
    sa.text(
        "INSERT INTO notes VALUES (CAST(:id AS uuid), CAST(:text AS text), CAST(:actor AS text), 1) RETURNING *"
    )
)
GET = statement(sa.text("SELECT * FROM notes WHERE id = CAST(:id AS uuid)"))
LOCK = statement(sa.text("SELECT * FROM notes WHERE id = CAST(:id AS uuid) FOR UPDATE"))
CHANGE = statement(
    sa.text(
        "UPDATE notes SET text = CAST(:text AS text), version = version + 1 WHERE id = CAST(:id AS uuid) RETURNING *"
    )
)
REMOVE = statement(sa.text("DELETE FROM notes WHERE id = CAST(:id AS uuid)"))
LIST = statement(
    sa.text(
        "SELECT * FROM notes WHERE (CAST(:after AS uuid) IS NULL OR id > CAST(:after AS uuid))"
        " AND text LIKE CAST(:word AS text) || '%' ORDER BY id LIMIT CAST(:limit AS int)"
    )
)


class NoteIn(ApiModel):
    text: str = Field(min_length=1, max_length=200)
    due_at: Instant | None = None
    tags: list[int] = Field(default_factory=list)


class NoteOut(ApiModel):
    id: UUID
    text: str
    actor: str
    version: int
    correlation_id: UUID | None = None

    @classmethod
    def of(cls, row: Any) -> "NoteOut":
        return cls(**dict(row))


class WhoOut(ApiModel):
    role: str
    id: str
    customer_id: UUID | None


@dataclass
class Gate:
    """Lets a test hold a command in its transaction: `entered` says it is there, `opened` lets it go on."""

    holds: bool = False
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    meeting: asyncio.Barrier | None = None
    origins: list[Any] = field(default_factory=list)
    attempts: int = 0

    async def pass_through(self) -> None:
        if self.holds:
            self.entered.set()
            await self.opened.wait()


def note_routes(gate: Gate) -> APIRouter:
    router = APIRouter(prefix="/notes", tags=["notes"])

    @router.post("", status_code=201, response_model=NoteOut)
    async def add_note(body: NoteIn, edge: Annotated[CommandEdge, Depends(command("add_note"))]) -> Response:
        async def add(work: Work) -> Any:
            gate.attempts += 1
            gate.origins.append(work.origin)
            row = await work.fetch_one(ADD, id=new_id(), text=body.text, actor=str(work.actor))
            await gate.pass_through()
            if body.text == "refused":
                raise NotFoundError("refused, after the insert")
            return row

        return await edge.run(
            add, present=NoteOut.of, status=201, location=lambda row: f"/notes/v1/notes/{row['id']}"
        )

    @router.put("/{note_id}", response_model=NoteOut)
    async def change_note(
        note_id: UUID, body: NoteIn, edge: Annotated[CommandEdge, Depends(command("change_note"))]
    ) -> Response:
        expected = edge.expected_version

        async def change(work: Work) -> Any:
            row = await found(work, LOCK, note_id)
            require_version(row["version"], expected)
            return await work.fetch_one(CHANGE, id=note_id, text=body.text)

        return await edge.run(change, present=NoteOut.of)

    @router.post("/{note_id}/touch", response_model=NoteOut)
    async def touch_notes(
        note_id: UUID, other_id: UUID, edge: Annotated[CommandEdge, Depends(command("touch_notes"))]
    ) -> Response:
        """Locks two notes in the order given: two of these against each other end in a deadlock."""

        async def touch(work: Work) -> Any:
            gate.attempts += 1
            row = await found(work, LOCK, note_id)
            if gate.meeting is not None and not gate.meeting.broken:
                await gate.meeting.wait()
                gate.meeting = None
            await found(work, LOCK, other_id)
            return row

        return await edge.run(touch, present=NoteOut.of)

    @router.delete("/{note_id}", status_code=204)
    async def remove_note(
        note_id: UUID, edge: Annotated[CommandEdge, Depends(command("remove_note"))]
    ) -> Response:
        return await edge.run(lambda work: work.execute(REMOVE, id=note_id))

    @router.get("/{note_id}", response_model=NoteOut)
    async def get_note(note_id: UUID, reader: Annotated[Reader, Depends(reading("get_note"))]) -> Response:
        async with reader.session() as session:
            row = await found(session, GET, note_id)
        return reader.answer(NoteOut.of(row))

    @router.get("", response_model=Page[NoteOut])
    async def list_notes(
        paging: Annotated[Paging, Depends(paging)],
        reader: Annotated[Reader, Depends(reading("list_notes"))],
        word: str = "",
    ) -> Response:
        after = paging.after(UUID)
        async with reader.session() as session:
            rows = await session.fetch_all(
                LIST, after=after[0] if after else None, word=word, limit=paging.fetch
            )
        return paging.page(rows, present=NoteOut.of, key=lambda row: (row["id"],))

    return router


def other_routes() -> APIRouter:
    router = APIRouter(tags=["other"])

    @router.get("/me", response_model=WhoOut)
    async def who_am_i(principal: Annotated[Principal, Depends(allow("who_am_i"))]) -> WhoOut:
        return WhoOut(role=principal.role, id=principal.id, customer_id=principal.customer_id)

    @router.get("/broken", response_model=WhoOut)
    async def break_down(principal: Annotated[Principal, Depends(allow("break_down"))]) -> WhoOut:
        raise RuntimeError("secret of the house")

    return router


async def found(session: Session, query: Any, note_id: UUID) -> Any:
    row = await session.fetch_one(query, id=note_id)
    if row is None:
        raise NotFoundError("there is no such note")
    return row


@pytest.fixture(autouse=True)
def log() -> io.StringIO:
    """What is logged, as JSON lines."""
    stream = io.StringIO()
    logs.configure(service="notes", stream=stream, cache=False)
    return stream


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture(scope="session")
def notes_url(databases: TestDatabases) -> str:
    """One database for all tests of the edge, emptied before each."""

    async def make() -> str:
        url = await databases.empty()
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(frozen_sql("shared.web", "0001"))
            await connection.execute(TABLE)
        finally:
            await connection.close()
        return url

    return asyncio.run(make())


@pytest_asyncio.fixture
async def database(notes_url: str) -> AsyncIterator[Database]:
    database = Database(notes_url, clock=SystemClock(), name="notes", max_size=8)
    await database.open()
    async with database.session() as session:
        await session.connection.execute("TRUNCATE notes, idempotency_keys")
    yield database
    await database.close()


MakeApp = Callable[..., FastAPI]


@pytest.fixture
def make_app(database: Database, issuer: TestIssuer, gate: Gate) -> MakeApp:
    def make(**options: Any) -> FastAPI:
        return create_app(
            "notes",
            title="Notes",
            summary="Notes that people take",
            version="1.0.0",
            **{
                "routers": [note_routes(gate), other_routes()],
                "permissions": PERMISSIONS,
                "database": database,
                "verifier": TokenVerifier(
                    issuer=ISSUER, audience=AUDIENCE, keys=key_source(str(issuer.jwks_path))
                ),
                **options,
            },
        )

    return make


@pytest.fixture
def app(make_app: MakeApp) -> FastAPI:
    return make_app()


MakeClient = Callable[..., httpx.AsyncClient]


@pytest_asyncio.fixture
async def make_client(app: FastAPI, issuer: TestIssuer) -> AsyncIterator[MakeClient]:
    """`make_client("agent")`: a client with a token of that role; `make_client(None)` has none."""
    made: list[httpx.AsyncClient] = []

    def make(
        role: str | None = "admin", subject: str | None = None, *, of: Any = None, **claims: Any
    ) -> httpx.AsyncClient:
        headers = issuer.headers(role, subject, **claims) if role else {}
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(of or app, raise_app_exceptions=False),
            base_url="http://notes",
            headers=headers,
        )
        made.append(client)
        return client

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
def client(make_client: MakeClient) -> httpx.AsyncClient:
    """An admin's."""
    return make_client("admin")


async def count_notes(database: Database) -> int:
    async with database.session() as session:
        count: int = await session.connection.fetchval("SELECT count(*) FROM notes")
        return count


@pytest.fixture
def count(database: Database) -> Callable[[], Any]:
    return lambda: count_notes(database)
