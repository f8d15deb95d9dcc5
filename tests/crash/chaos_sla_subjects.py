"""Tickets whose thresholds are known beforehand: what is fed to sla while its workers are killed."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.sla.domain.clock import clock_id_of
from services.sla.domain.ledger import Entry, EntryKind
from services.sla.domain.metrics import Agreement, Metric, SubjectKind
from services.sla.domain.policies import ClockKey
from services.sla.persistence import subject_store
from services.sla.persistence.catalogue_store import Catalogues
from services.sla.usecases.write_policy import CreatePolicy, create_policy
from shared.db.database import Database
from shared.db.work import Work
from shared.kernel.context import Actor
from shared.kernel.ids import new_id
from tests.crash.chaos_sla_journal import Effect

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
WARN_AT = 0.9995
WARN_BEFORE = (1 - WARN_AT) * HOUR
REPEATS = 2
POLICY = {
    "agreement": "sla",
    "match": {"subject_kind": "ticket"},
    "targets": [
        {
            "metric": "resolution",
            "duration": 1,
            "unit": "elapsed_hours",
            "warn_at": [WARN_AT],
            "escalations": [
                {"offset": 0, "target": "lead"},
                {"offset": 1, "target": "manager", "repeat_every": 1, "repeat_cap": REPEATS},
            ],
        },
        {"metric": "time_to_own", "duration": 1, "unit": "elapsed_hours"},
    ],
}
FEEDER = Actor("system", "chaos")


class Story(StrEnum):
    """What happens to a ticket."""

    SOON = "soon"
    """All thresholds within seconds, announced one by one."""
    PAST = "past"
    """All thresholds long past: breaches one by one, the rest in a digest."""
    WAITING = "waiting"
    """Stands still before its resolution is due; who owns it is due all the same."""
    RESOLVED = "resolved"
    """Over before anything is due."""


class Feeder:
    """Opens tickets and remembers what is expected of them."""

    def __init__(self, database: Database, dice: random.Random) -> None:
        self._database = database
        self._dice = dice
        self._catalogues = Catalogues()
        self.expected: Counter[Effect] = Counter()
        self.last_at = database.clock.now()
        self.subjects = 0

    async def promise(self) -> None:
        """One hour for every ticket."""

        async def write(work: Work) -> None:
            since = work.now - 48 * HOUR
            await create_policy(CreatePolicy("all", POLICY, since), work, catalogues=self._catalogues)

        await self._database.run(write, actor=Actor("admin", "chaos"))

    async def feed(self, count: int, soonest: timedelta = SECOND, latest: timedelta = 4 * SECOND) -> None:
        """`count` tickets, of each kind some, the first due so far ahead."""
        stories = self._dice.choices(list(Story), weights=(5, 3, 1, 1), k=count)

        async def open_all(work: Work) -> None:
            ids = sorted(new_id() for _ in stories)
            subjects = await subject_store.lock_or_add(work, dict.fromkeys(ids, SubjectKind.TICKET))
            for subject_id, story in zip(ids, stories, strict=True):
                ahead = soonest + self._dice.random() * (latest - soonest)
                due_at = work.now - 4 * HOUR if story is Story.PAST else work.now + ahead
                subject = subjects[subject_id]
                lines = list(_lines(story, due_at - HOUR))
                subject.record(lines, await self._catalogues.at(work, subject.revision), work.now)
                work.record(*subject.take_events())
                fresh.update(_expected(subject_id, story, due_at))
            await subject_store.save(work, subjects.values())

        fresh: Counter[Effect] = Counter()
        await self._database.run(open_all, actor=FEEDER)
        self.expected += fresh
        self.subjects += count
        self.last_at = max([self.last_at, *(effect.at for effect in fresh)])


def _lines(story: Story, opened_at: datetime) -> Iterator[Entry]:
    yield _line(EntryKind.OPENED, opened_at, 1, customer_id=str(new_id()), state="new")
    half_way = opened_at + HOUR / 2
    if story is Story.WAITING:
        yield _line(EntryKind.WAITING, half_way, 2, waiting_on="customer")
    elif story is Story.RESOLVED:
        yield _line(EntryKind.RESOLVED, half_way, 2)


def _line(kind: EntryKind, at: datetime, sequence: int, **data: str) -> Entry:
    return Entry(new_id(), kind, at, at, "ticketing", sequence, new_id(), data=data)


def _expected(subject_id: UUID, story: Story, due_at: datetime) -> Iterator[Effect]:
    if story is Story.RESOLVED:
        return
    resolution, owning = (
        clock_id_of(subject_id, ClockKey(Agreement.SLA, metric))
        for metric in (Metric.RESOLUTION, Metric.TIME_TO_OWN)
    )
    yield Effect(owning, "breach", 0, due_at)
    if story is Story.WAITING:
        return
    yield Effect(resolution, "warning", 1, due_at - WARN_BEFORE)
    yield Effect(resolution, "breach", 0, due_at)
    yield Effect(resolution, "escalation", 1, due_at)
    if story is Story.PAST:
        for repeat in range(1 + REPEATS):
            yield Effect(resolution, "escalation", 2, due_at + (1 + repeat) * HOUR)
