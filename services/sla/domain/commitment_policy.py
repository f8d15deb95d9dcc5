"""The policy of promised dates where nobody wrote one: they are measured, and nobody is warned."""

from datetime import UTC, datetime
from uuid import UUID

from services.sla.domain.metrics import Agreement, Metric, SubjectKind
from services.sla.domain.policies import Match, PolicyVersion, Target
from services.sla.domain.units import Duration, Unit

# A promise to a customer is one whether or not a policy was written for it (rule 4), so this one is there from the
# beginning: every catalogue has it, and the migrations made its rows. Whoever wants to be warned adds a version to
# it, or writes a policy that is more specific.
COMMITMENTS = PolicyVersion(
    id=UUID("0197a3c1-0000-7000-8000-0000000c0002"),
    policy_id=UUID("0197a3c1-0000-7000-8000-0000000c0001"),
    name="commitments (default)",
    number=1,
    agreement=Agreement.SLA,
    match=Match(SubjectKind.TICKET),
    calendar_id=None,
    targets={
        Metric.COMMITTED_RESOLUTION: Target(Metric.COMMITTED_RESOLUTION, Duration(0, Unit.ELAPSED_HOURS))
    },
    effective_from=datetime(2000, 1, 1, tzinfo=UTC),
    effective_until=None,
    revision=0,
)
