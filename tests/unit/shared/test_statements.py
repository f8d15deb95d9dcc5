"""The traps between SQLAlchemy Core and asyncpg, each refused or handled at import."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from shared.db.statements import Composed, StatementError, insert, statement, update

metadata = sa.MetaData()
things = sa.Table(
    "things",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True)),
    sa.Column("id", UUID(as_uuid=True), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("colour", sa.Enum("red", "green", name="colour")),
    sa.Column("facts", JSONB),
)
plain = sa.Table("plain", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))


def test_named_parameters_become_places_in_order() -> None:
    compiled = statement(
        sa.select(plain.c.id).where(plain.c.name == sa.bindparam("name"), plain.c.id > sa.bindparam("id"))
    )
    assert compiled.required == {"name", "id"}
    assert compiled.arguments({"id": 2, "name": "a"}) == ["a", 2]
    assert "$1" in compiled.sql
    assert "$2" in compiled.sql


def test_a_literal_keeps_its_value_among_the_arguments() -> None:
    compiled = statement(
        sa.select(plain.c.id).where(plain.c.name == "fixed", plain.c.id == sa.bindparam("id"))
    )
    assert compiled.arguments({"id": 7}) == ["fixed", 7]


def test_one_parameter_used_twice_is_given_once() -> None:
    both = sa.bindparam("x", type_=sa.Integer)
    compiled = statement(sa.select(plain.c.id).where(sa.or_(plain.c.id == both, plain.c.id > both)))
    assert compiled.required == {"x"}
    assert set(compiled.arguments({"x": 3})) == {3}


@pytest.mark.parametrize("params", [{}, {"id": 1, "nmae": "typo"}, {"nmae": "typo"}])
def test_missing_and_unknown_parameters_are_named(params: dict[str, object]) -> None:
    compiled = statement(sa.select(plain.c.id).where(plain.c.id == sa.bindparam("id")))
    with pytest.raises(StatementError, match=r"missing|unknown"):
        compiled.arguments(params)


def test_in_is_refused_because_it_compiles_to_a_placeholder_text() -> None:
    with pytest.raises(StatementError, match="ANY"):
        statement(sa.select(plain.c.id).where(plain.c.id.in_([1, 2])))
    with pytest.raises(StatementError, match="ANY"):
        statement(sa.select(plain.c.id).where(plain.c.id.in_(sa.bindparam("ids", expanding=True))))


def test_any_takes_an_array() -> None:
    compiled = statement(
        sa.select(plain.c.id).where(plain.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Integer))))
    )
    assert compiled.arguments({"ids": [1, 2]}) == [[1, 2]]


def test_enums_are_refused() -> None:
    with pytest.raises(StatementError, match="CHECK"):
        statement(
            sa.select(things.c.id).where(
                things.c.colour == sa.bindparam("colour", type_=things.c.colour.type)
            )
        )


def test_python_side_defaults_are_refused_because_they_vanish() -> None:
    table = sa.Table(
        "d", sa.MetaData(), sa.Column("id", sa.Integer), sa.Column("n", sa.Integer, default=lambda: 4)
    )
    with pytest.raises(StatementError, match="default"):
        statement(sa.insert(table).values(id=sa.bindparam("id")))


def test_insert_binds_every_column_but_identities() -> None:
    assert statement(insert(plain)).required == {"id", "name"}
    assert "seq" not in statement(insert(things, without=frozenset({"colour"}))).required


def test_update_binds_its_columns() -> None:
    compiled = statement(update(plain, "name").where(plain.c.id == sa.bindparam("row_id")))
    assert compiled.arguments({"name": "n", "row_id": 1}) == ["n", 1]


def test_composed_statements_are_compiled_once_a_key_and_bounded() -> None:
    built: list[object] = []

    def build(key: object) -> sa.Select[tuple[int]]:
        built.append(key)
        return sa.select(plain.c.id)

    composed = Composed(build, limit=2)
    assert composed(("a",)) is composed(("a",))
    composed(("b",))
    composed(("c",))
    assert built == [("a",), ("b",), ("c",)]
