"""The subjects of one batch of events: loaded under their locks once, written once.

A consumer prepares a batch and then hands over its events one by one, in one transaction. The subjects live in
that transaction's memo meanwhile; the last of the expected events writes them all. Whatever fails before rolls
back everything, so nothing can be half written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.sla.domain.metrics import SubjectKind
from services.sla.domain.subject import Subject
from services.sla.persistence import subject_store
from services.sla.persistence.customer_store import TierRow
from shared.db.work import Work

_NAME = "sla.subjects"


@dataclass
class SubjectBatch:
    """Locked subjects and customers' tier histories; `expected` events are still to come."""

    expected: int
    subjects: dict[UUID, Subject] = field(default_factory=dict)
    tiers: dict[UUID, list[TierRow]] = field(default_factory=dict)
    changed: dict[UUID, Subject] = field(default_factory=dict)

    @classmethod
    async def load(
        cls,
        work: Work,
        expected: int,
        kinds: Mapping[UUID, SubjectKind],
        tiers: dict[UUID, list[TierRow]],
    ) -> "SubjectBatch":
        """Lock and load, once in a transaction. Customers were locked before: always in this order."""
        subjects = await subject_store.lock_or_add(work, kinds)
        batch = cls(expected, subjects, tiers)
        work.memo[_NAME] = batch
        return batch

    @classmethod
    def holding(cls, work: Work, subject: Subject, tiers: dict[UUID, list[TierRow]]) -> "SubjectBatch":
        """One subject that is locked already, and one input to it; its customer was locked before."""
        batch = cls(1, {subject.id: subject}, tiers)
        work.memo[_NAME] = batch
        return batch

    @classmethod
    def of(cls, work: Work) -> "SubjectBatch":
        """The batch that this transaction prepared."""
        batch: Any = work.memo[_NAME]
        assert isinstance(batch, SubjectBatch)
        return batch

    async def done(self, work: Work, *changed: Subject) -> None:
        """One event was dealt with and changed these subjects; the last one writes."""
        for subject in changed:
            work.record(*subject.take_events())
            self.changed[subject.id] = subject
        self.expected -= 1
        if self.expected == 0:
            await subject_store.save(work, self.changed.values())
