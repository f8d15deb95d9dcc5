"""A key's shard is the same for ever: two relays may never both think it theirs."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.events.outbox import shard_of
from shared.events.tables import SHARDS


@given(st.uuids())
def test_every_key_has_a_shard(key: UUID) -> None:
    assert 0 <= shard_of(key) < SHARDS


def test_shards_do_not_change_between_releases() -> None:
    keys = [UUID(int=number) for number in (0, 1, 2**64, 2**127)]
    assert [shard_of(key) for key in keys] == [5, 3, 6, 1]
    assert len({shard_of(UUID(int=number)) for number in range(1000)}) == SHARDS
