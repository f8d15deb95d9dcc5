"""Availability objectives, months, outages and probe results as JSON."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from services.sla.domain.availability.measurement import Burn, MonthlyAvailability
from services.sla.domain.availability.objective import (
    WORKBOOK_RULES,
    BurnRule,
    Objective,
    ObjectiveVersion,
    PlannedRule,
    ProbeRule,
)
from services.sla.persistence.outage_store import StoredOutage
from shared.web.models import ApiModel, Instant

MICROSECONDS = 1_000_000
LONGEST_WINDOW_SECONDS = 31 * 86_400
MOST_RULES = 8
MOST_RESULTS = 1_000

Text = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00]*$")]
Cause = Annotated[str, Field(max_length=60, pattern=r"^[a-z0-9_]+$", examples=["database", "network"])]
Target = Annotated[Decimal, Field(max_digits=12, decimal_places=8, examples=["0.999"])]
Seconds = Annotated[int, Field(ge=60, le=LONGEST_WINDOW_SECONDS)]


class ProbeRuleIn(ApiModel):
    """When probe results make an outage; silence is none."""

    bad_in_a_row: int = Field(default=3, ge=1, le=100)
    good_in_a_row: int = Field(default=1, ge=1, le=100)
    silence_seconds: int = Field(default=300, ge=1, le=86_400)
    quorum: int = Field(default=1, ge=1, le=100, description="So many probes must see it at once.")


class BurnRuleIn(ApiModel):
    """An alert while the burn rate is at least `burn_rate` over both windows."""

    severity: Literal["page", "ticket"]
    burn_rate: Annotated[Decimal, Field(gt=0, le=10_000, max_digits=9, decimal_places=4)]
    long_seconds: Seconds
    short_seconds: Seconds


class ObjectiveDocument(ApiModel):
    """What a version of an objective says. Downtime up to (1 - target) of the agreed time keeps it."""

    target: Target = Field(description="A share between 0 and 1.")
    planned: PlannedRule = Field(
        default=PlannedRule.IF_ANNOUNCED, description="What planned maintenance means."
    )
    notice_seconds: int = Field(
        default=0, ge=0, le=LONGEST_WINDOW_SECONDS, description="How long before it is to be announced."
    )
    probes: ProbeRuleIn = ProbeRuleIn()
    burn_alerts: list[BurnRuleIn] = Field(
        default=[BurnRuleIn.model_validate(rule) for rule in WORKBOOK_RULES],
        max_length=MOST_RULES,
        description="Multi-window, multi-burn-rate alerts; those of the Site Reliability Workbook unless said.",
    )
    effective_from: Instant | None = Field(default=None, description="Now unless said.")
    effective_until: Instant | None = None

    def numbered(self, number: int, now: datetime) -> ObjectiveVersion:
        return ObjectiveVersion(
            number=number,
            target=self.target,
            effective_from=self.effective_from or now,
            effective_until=self.effective_until,
            planned=self.planned,
            notice_seconds=self.notice_seconds,
            probes=ProbeRule(**self.probes.model_dump()),
            burn_alerts=tuple(BurnRule(**rule.model_dump()) for rule in self.burn_alerts),
        )


_EXAMPLE: dict[str, Any] = {"target": "0.999", "planned": "if_announced", "notice_seconds": 172_800}


class CreateObjectiveIn(ObjectiveDocument):
    """A new objective for one offering with its first version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Cloud, monthly", "offering": "cloud", "timezone": "Europe/Berlin", **_EXAMPLE}
            ]
        }
    )

    name: Text
    offering: Text
    timezone: str = Field(max_length=64, description="IANA zone: months are the calendar's there.")


class AddObjectiveVersionIn(ObjectiveDocument):
    """A new version: for months that begin once it is in force."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})


class ObjectiveVersionOut(ObjectiveDocument):
    """A version as it was written."""

    number: int

    @classmethod
    def of(cls, version: ObjectiveVersion) -> "ObjectiveVersionOut":
        return cls.model_validate(version)


class ObjectiveOut(ApiModel):
    """An objective with all its versions, oldest first."""

    id: UUID
    name: str
    offering: str
    timezone: str
    version: int
    created_at: datetime
    versions: list[ObjectiveVersionOut]

    @classmethod
    def of(cls, objective: Objective) -> "ObjectiveOut":
        return cls(
            id=objective.id,
            name=objective.name,
            offering=objective.offering,
            timezone=objective.timezone,
            version=len(objective.versions),
            created_at=objective.created_at,
            versions=[ObjectiveVersionOut.of(version) for version in objective.versions],
        )


class MonthOut(ApiModel):
    """One month as far as it has passed. `availability` is of the agreed time that lies behind.

    `breached_at` is when the budget had been spent and the offering stayed down, by what is known;
    `announced_at` when the event went out, which a correction does not call back.
    """

    objective_id: UUID
    month: str = Field(examples=["2026-03"])
    objective_version: int
    target: Decimal
    start_at: datetime
    end_at: datetime
    agreed_seconds: float = Field(description="The measured month without excluded maintenance.")
    passed_seconds: float
    downtime_seconds: float
    excluded_seconds: float
    availability: float | None
    budget_seconds: float
    budget_left_seconds: float
    budget_left_share: float = Field(description="Of the budget; below zero when overspent.")
    breached_at: datetime | None
    announced_at: datetime | None
    known_at: datetime

    @classmethod
    def of(
        cls, objective_id: UUID, found: MonthlyAvailability, announced: Any, known_at: datetime
    ) -> "MonthOut":
        left = found.budget_left / found.budget if found.budget else Fraction(0)
        return cls(
            objective_id=objective_id,
            month=str(found.month),
            objective_version=found.version.number,
            target=found.version.target,
            start_at=found.measured.start,
            end_at=found.measured.end,
            agreed_seconds=found.agreed / MICROSECONDS,
            passed_seconds=found.passed / MICROSECONDS,
            downtime_seconds=found.down / MICROSECONDS,
            excluded_seconds=found.excluded / MICROSECONDS,
            availability=None if found.availability is None else round(float(found.availability), 9),
            budget_seconds=round(float(found.budget) / MICROSECONDS, 6),
            budget_left_seconds=round(float(found.budget_left) / MICROSECONDS, 6),
            budget_left_share=round(float(left), 6),
            breached_at=found.breached_at,
            announced_at=None if announced is None else announced["fired_at"],
            known_at=known_at,
        )


class MonthsOut(ApiModel):
    """Months in order; those that the objective does not measure are left out."""

    items: list[MonthOut]


class BurnOut(BurnRuleIn):
    """A burn rule with its rates now: 1 spends the budget exactly in a month."""

    long_burn_rate: float
    short_burn_rate: float
    is_alerting: bool
    raised_at: datetime | None

    @classmethod
    def of(cls, found: Burn, raised_at: datetime | None) -> "BurnOut":
        return cls(
            **BurnRuleIn.model_validate(found.rule).model_dump(),
            long_burn_rate=round(float(found.long), 6),
            short_burn_rate=round(float(found.short), 6),
            is_alerting=found.is_alerting,
            raised_at=raised_at,
        )


class BurnRatesOut(ApiModel):
    """How fast the budget burns, by each rule of the version in force; none outside it."""

    objective_id: UUID
    at: datetime
    items: list[BurnOut]


class OutageIn(ApiModel):
    """An outage, or planned maintenance. Without an end it lasts; only maintenance lies in the future."""

    start_at: Instant
    end_at: Instant | None = None
    cause: Cause
    planned: bool = False
    evidence: Annotated[str, Field(min_length=3, max_length=500, pattern=r"^[^\x00]*$")] | None = Field(
        default=None, description="Where it can be checked, e.g. the incident's number."
    )


class RecordOutageIn(OutageIn):
    """An outage of an offering that has an availability objective."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"offering": "cloud", "start_at": "2026-03-02T10:15:00+08:00", "cause": "network"}]
        }
    )

    offering: Text


class CorrectOutageIn(OutageIn):
    """What counts from now on: its end, other times, another cause; `retracted`: there was none."""

    retracted: bool = False


class OutageFactOut(ApiModel):
    """What was said of an outage, by whom and when."""

    number: int
    start_at: datetime
    end_at: datetime | None
    cause: str
    planned: bool
    retracted: bool
    evidence: str | None
    recorded_at: datetime
    recorded_by: str

    @classmethod
    def of(cls, row: Any) -> "OutageFactOut":
        renamed = {"planned": row["is_planned"], "retracted": row["is_retracted"]}
        return cls(**renamed, **{name: row[name] for name in cls.model_fields if name not in renamed})


class OutageOut(ApiModel):
    """An outage: its newest fact counts."""

    id: UUID
    offering: str
    version: int
    created_at: datetime
    start_at: datetime
    end_at: datetime | None
    cause: str
    planned: bool
    retracted: bool
    facts: list[OutageFactOut]

    @classmethod
    def of(cls, stored: StoredOutage) -> "OutageOut":
        facts = [OutageFactOut.of(row) for row in stored.rows]
        latest = facts[-1]
        return cls(
            id=stored.id,
            offering=stored.offering,
            version=stored.version,
            created_at=stored.created_at,
            start_at=latest.start_at,
            end_at=latest.end_at,
            cause=latest.cause,
            planned=latest.planned,
            retracted=latest.retracted,
            facts=facts,
        )


class ProbeResultIn(ApiModel):
    """What one probe saw at one instant."""

    probe: Text
    at: Instant
    ok: bool


class ProbeResultsIn(ApiModel):
    """Results of any probes of one offering. Sent again, they change nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "offering": "cloud",
                    "results": [{"probe": "berlin-1", "at": "2026-03-02T08:00:00Z", "ok": True}],
                }
            ]
        }
    )

    offering: Text
    results: list[ProbeResultIn] = Field(min_length=1, max_length=MOST_RESULTS)


class ProbeResultsOut(ApiModel):
    """How many were new. One probe has one result an instant; the first that came counts."""

    received: int
    added: int
