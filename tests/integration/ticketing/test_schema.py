"""The migrations add up to the tables that the code describes."""

from services.ticketing.persistence.tables import HISTORY
from shared.db.migrations import downgrade, drift, upgrade


async def test_migrations_add_up_to_the_tables(make_database) -> None:
    url = await make_database(HISTORY)
    assert list(await drift(HISTORY, url)) == []


async def test_the_first_revision_can_be_taken_back(make_database) -> None:
    url = await make_database(HISTORY)
    await downgrade(HISTORY, url, "base")
    await upgrade(HISTORY, url)
    assert list(await drift(HISTORY, url)) == []
