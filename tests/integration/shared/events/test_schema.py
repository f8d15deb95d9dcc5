"""The frozen SQL makes the tables that the code describes."""

import sqlalchemy as sa

from shared.db.database import Database
from shared.db.migrations import History, drift
from shared.events import schema, tables
from shared.testing.workshop import make_tables


def described() -> sa.MetaData:
    metadata = sa.MetaData()
    tables.add_to(metadata)
    return metadata


async def test_the_frozen_sql_and_the_described_tables_agree(workshop: Database) -> None:
    async with workshop.session() as session:
        await session.connection.execute("DROP TABLE things, notes")
    assert list(await drift(History("workshop", described()), workshop.url)) == []


async def test_identities_are_not_hoarded_by_sessions(workshop: Database) -> None:
    async with workshop.session() as session:
        rows = await session.connection.fetch("SELECT sequencename, cache_size FROM pg_sequences")
    cached = {row["sequencename"]: row["cache_size"] for row in rows}
    assert cached["outbox_id_seq"] == 1
    assert cached["parked_events_id_seq"] == 1


async def test_tables_can_be_dropped_and_made_again(workshop: Database) -> None:
    class Operations:
        def __init__(self) -> None:
            self.executed: list[str] = []

        def execute(self, sqltext: str) -> None:
            self.executed.append(sqltext)

    down, up = Operations(), Operations()
    schema.drop_tables(down)
    schema.create_tables(up)
    async with workshop.session() as session:
        await session.connection.execute("DROP TABLE things, notes")
        for sql in (*down.executed, *up.executed):
            await session.connection.execute(sql)
        for sql in down.executed:
            await session.connection.execute(sql)
    await make_tables(workshop.url)
