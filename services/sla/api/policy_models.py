"""Policies as JSON: the document that people write, and the version that is kept."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from services.sla.domain.metrics import STARTS, STOPS, Agreement, OnReopen, OnTierChange, PauseCause
from services.sla.domain.policy_document import MOST_ESCALATIONS, MOST_REPEATS, MOST_WARNINGS
from services.sla.domain.units import Unit
from services.sla.persistence.policy_store import StoredPolicy
from shared.contracts.sla import Metric, SubjectKind
from shared.web.models import ApiModel, Instant

Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
Value = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Values = Annotated[list[Value], Field(max_length=200)]
Amount = Annotated[int, Field(ge=1, le=2**31 - 1)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]

EXAMPLE: dict[str, Any] = {
    "agreement": "sla",
    "match": {"subject_kind": "ticket", "tier": ["gold", "platinum"], "priority": ["high"]},
    "calendar_id": "0197a3c1-0000-7000-8000-000000000001",
    "targets": [
        {
            "metric": "time_to_own",
            "duration": 30,
            "unit": "business_minutes",
            "warn_at": [0.5, {"before": 5}],
            "escalations": [{"offset": 0, "target": "team-lead"}],
        },
        {
            "metric": "resolution",
            "duration": 8,
            "unit": "business_hours",
            "pauses_on": ["waiting_on_customer"],
            "warn_at": [0.75],
            "on_reopen": "continue",
            "on_tier_change": "keep",
            "escalations": [
                {"offset": 0, "target": "team-lead"},
                {"offset": 2, "target": "service-manager", "repeat_every": 4, "repeat_cap": 3},
            ],
        },
    ],
}


class MatchIn(ApiModel):
    """Which subjects it is for. Each list holds accepted values; a list left out or empty accepts any."""

    subject_kind: SubjectKind
    customer: Values = Field(default=[])
    contract: Values = Field(
        default=[], description="Of tickets and external subjects, as they were opened with."
    )
    entitlement: Values = Field(default=[], description="Of tickets and external subjects (权益).")
    offering: Values = Field(default=[])
    tier: Values = Field(default=[])
    priority: Values = Field(default=[], description="Of tickets.")
    severity: Values = Field(default=[], description="Of complaints.")
    category: Values = Field(default=[])
    kind: Values = Field(default=[])
    queue: Values = Field(default=[])
    channel: Values = Field(default=[])


class WarnIn(ApiModel):
    """A warning before due: at a share of the target, or so many of its units before due."""

    share: float | None = Field(default=None, gt=0, lt=1)
    before: Amount | None = None
    notify: Value = "assignee"


class EscalationIn(ApiModel):
    """A level: so many of the target's units after due; then every `repeat_every`, `repeat_cap` times more."""

    offset: Count = 0
    target: Value
    repeat_every: Amount | None = None
    repeat_cap: Annotated[int, Field(ge=0, le=MOST_REPEATS)] = 0


class TargetIn(ApiModel):
    """One promise. What is left out follows the metric's defaults.

    A `committed_resolution` (CTR, 承诺时限) has no duration: its date is promised on the subject.
    """

    metric: Metric
    duration: Count | None = Field(default=None, description="0 only for an acknowledgement: at once.")
    unit: Unit | None = None
    starts_on: list[Value] | None = Field(
        default=None, max_length=len(STARTS), description=f"Any of: {', '.join(sorted(STARTS))}."
    )
    stops_on: list[Value] | None = Field(
        default=None, max_length=len(STOPS), description=f"Any of: {', '.join(sorted(STOPS))}."
    )
    pauses_on: list[PauseCause] | None = Field(default=None, max_length=len(PauseCause))
    warn_at: list[Annotated[float, Field(gt=0, lt=1)] | WarnIn] = Field(default=[], max_length=MOST_WARNINGS)
    escalations: list[EscalationIn] = Field(default=[], max_length=MOST_ESCALATIONS)
    on_reopen: OnReopen | None = None
    on_tier_change: OnTierChange = OnTierChange.KEEP
    notice: Count | None = Field(
        default=None, description="What a retarget leaves at least, in the unit; half the target unless said."
    )


class PolicyDocument(ApiModel):
    """What a version of a policy says, and when it holds."""

    agreement: Agreement
    match: MatchIn
    calendar_id: UUID | None = Field(
        default=None, description="Needed unless every target is in elapsed hours."
    )
    targets: list[TargetIn] = Field(max_length=20)
    effective_from: Instant | None = Field(default=None, description="Now unless said.")
    effective_until: Instant | None = None

    def document(self) -> dict[str, Any]:
        """The JSON form that is kept."""
        return self.model_dump(
            mode="json", include={"agreement", "match", "calendar_id", "targets"}, exclude_none=True
        )


class CreatePolicyIn(PolicyDocument):
    """A new policy with its first version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Gold, high priority", **EXAMPLE}]})

    name: Name


class AddPolicyVersionIn(PolicyDocument):
    """A new version: for subjects that start once it is in force (future only)."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    application: Literal["future_only", "retroactive"] = Field(
        default="future_only",
        description="Clocks that run already keep the version they started with, or a job applies it to them.",
    )


class PolicyVersionOut(ApiModel):
    """A version as it was written."""

    id: UUID
    policy_id: UUID
    number: int
    agreement: Agreement
    match: MatchIn
    calendar_id: UUID | None
    targets: list[TargetIn]
    effective_from: datetime
    effective_until: datetime | None
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, row: Any) -> "PolicyVersionOut":
        document = row["document"]
        return cls(
            id=row["id"],
            policy_id=row["policy_id"],
            number=row["number"],
            agreement=document["agreement"],
            match=MatchIn.model_validate(document["match"]),
            calendar_id=document.get("calendar_id"),
            targets=[TargetIn.model_validate(target) for target in document["targets"]],
            effective_from=row["effective_from"],
            effective_until=row["effective_until"],
            created_at=row["created_at"],
            created_by=row["created_by"],
        )


class PolicySummary(ApiModel):
    """A policy in a list; `version` is how many versions it has."""

    id: UUID
    name: str
    version: int
    created_at: datetime

    @classmethod
    def of(cls, policy: StoredPolicy) -> "PolicySummary":
        return cls.model_validate(policy)


class PolicyOut(PolicySummary):
    """A policy with its newest version."""

    latest: PolicyVersionOut
    job_id: UUID | None = Field(default=None, description="Of the job that applies it to what runs already.")

    @classmethod
    def beside(cls, policy: StoredPolicy, latest: Any) -> "PolicyOut":
        return cls(**dict(PolicySummary.of(policy)), latest=PolicyVersionOut.of(latest))
