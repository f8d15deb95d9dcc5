"""What sla is told from outside: everything common to services, and how its clocks and timers behave."""

from datetime import timedelta

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.sla.domain.storm_caps import StormCaps
from shared.operations.settings import ServiceSettings


class SlaSettings(ServiceSettings):
    """`SLA_DATABASE_URL`, `SLA_TIMER_BATCH` and so on; see `ServiceSettings` for what is common."""

    model_config = SettingsConfigDict(env_prefix="SLA_")

    backdating_tolerance_seconds: float = Field(
        default=300.0, ge=0, description="How far before its record an input may claim to have happened"
    )
    calendar_years_before: int = Field(
        default=2, ge=0, le=20, description="Years resolved before a calendar holds"
    )
    calendar_years_after: int = Field(default=12, ge=1, le=60, description="Years resolved after that")

    timer_batch: int = Field(default=500, ge=1, le=500, description="Timers fired in one transaction")
    timer_hold_seconds: float = Field(
        default=30.0, gt=0, description="How often timers of parked subjects are looked at"
    )
    timer_sweep_seconds: float = Field(
        default=30.0, gt=0, description="How often timers below the mark are sought"
    )
    timer_mark_seconds: float = Field(default=5.0, gt=0, description="How often the low-water mark is raised")
    timer_mark_lag_seconds: float = Field(
        default=60.0, gt=0, description="How far the low-water mark stays behind"
    )
    timer_longest_hold_seconds: float = Field(
        default=900.0, gt=0, description="How long timers wait for a consumer that makes no progress"
    )

    timer_catch_up_per_second: float = Field(
        default=5_000.0, gt=0, description="Timers fired a second at most after an outage"
    )

    availability_batch: int = Field(
        default=20, ge=1, le=200, description="Availability objectives looked at in one transaction"
    )
    availability_months: int = Field(
        default=24, ge=1, le=120, description="Months of one objective looked at in one transaction"
    )
    availability_check_seconds: float = Field(
        default=60.0, gt=0, description="How often burn rates are looked at while an outage or alert lasts"
    )

    availability_retry_seconds: float = Field(
        default=600.0, gt=0, description="How soon an availability objective that failed is looked at again"
    )
    report_subjects: int = Field(
        default=200_000, ge=1, description="Subjects of one report; a report of more is refused"
    )

    job_batch: int = Field(
        default=200, ge=1, le=1_000, description="Subjects to which a version is applied in one transaction"
    )

    digest_after_seconds: float = Field(
        default=60.0, gt=0, description="A warning or escalation later than this goes into a digest"
    )
    digest_settle_seconds: float = Field(
        default=60.0, gt=0, description="So long after the last late line its digest is told"
    )
    escalations_per_subject: int = Field(default=10, ge=1, description="Escalations of a subject in a window")
    escalations_per_target: int = Field(default=200, ge=1, description="Escalations to a target in a window")
    escalation_window_seconds: int = Field(default=3_600, ge=1, le=86_400)

    def storm_caps(self) -> StormCaps:
        return StormCaps(
            per_subject=self.escalations_per_subject,
            per_target=self.escalations_per_target,
            window=timedelta(seconds=self.escalation_window_seconds),
            digest_after=timedelta(seconds=self.digest_after_seconds),
            digest_settle=timedelta(seconds=self.digest_settle_seconds),
        )
