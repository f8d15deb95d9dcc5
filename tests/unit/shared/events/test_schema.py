"""Frozen SQL is cut into the single statements that asyncpg runs."""

from shared.events.schema import DROPPED, statements


def test_every_statement_stands_alone() -> None:
    cut = statements()
    assert all(statement.startswith(("CREATE", "ALTER")) for statement in cut)
    assert not any(";" in statement or "--" in statement for statement in cut)


def test_what_is_made_is_dropped() -> None:
    made = [statement.split()[2] for statement in statements() if statement.startswith("CREATE TABLE")]
    assert set(made) - {"published_events_default"} == set(DROPPED)
