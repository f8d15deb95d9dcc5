"""What the complaints service is told from outside, under `COMPLAINTS_` (else `CARELOOP_`)."""

from ipaddress import ip_address
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from services.complaints.domain.contact import is_email_address
from services.complaints.domain.outcomes import Language
from shared.operations.settings import ServiceSettings, UnsafeSettingsError


class ComplaintsSettings(ServiceSettings):
    """`mail`: `captured` keeps every message in the database as delivered (embedded, demo); `smtp` sends it."""

    model_config = SettingsConfigDict(env_prefix="COMPLAINTS_", extra="ignore", frozen=True)

    default_language: Language = Language.ENGLISH
    reopen_days: int = Field(default=30, ge=0, le=3_650)
    unreachable_attempts: int = Field(default=3, ge=2, le=100)
    unreachable_channels: int = Field(default=2, ge=2, le=7)
    recurrence_days: int = Field(default=90, ge=1, le=3_650)

    mail: Literal["captured", "smtp"] = "captured"
    mail_from: str = "complaints@careloop.example"
    mail_from_name: str = Field(default="careloop", max_length=100)
    mail_max_attempts: int = Field(default=8, ge=1, le=50)
    mail_retry_base_seconds: float = Field(default=30.0, gt=0)
    mail_retry_cap_seconds: float = Field(default=3_600.0, gt=0)
    mail_claim_seconds: float = Field(default=300.0, gt=0, description="How long a batch may be on the wire")
    mail_recipient_domains: frozenset[str] = Field(
        default=frozenset(), description="Mail goes to these domains only; empty: to all"
    )
    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65_535)
    smtp_allowed_hosts: frozenset[str] = Field(
        default=frozenset({"127.0.0.1", "::1", "localhost"}),
        description="Mail servers that may be used; any other has to be named here as well",
    )
    smtp_security: Literal["none", "starttls", "tls"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout_seconds: float = Field(default=10.0, gt=0, le=120)

    @model_validator(mode="after")
    def _mail_can_leave(self) -> Self:
        if not is_email_address(self.mail_from) or not self.mail_from_name.isprintable():
            raise ValueError("mail_from must be an address and mail_from_name printable")
        if self.unreachable_channels > self.unreachable_attempts:
            raise ValueError("unreachable_channels is above unreachable_attempts")
        if self.mail == "captured":
            if self.environment == "production":
                raise UnsafeSettingsError("captured mail reaches nobody: production needs mail=smtp")
            return self
        if self.smtp_host is None:
            raise ValueError("mail=smtp needs smtp_host")
        if self.smtp_host not in self.smtp_allowed_hosts:
            raise UnsafeSettingsError(f"{self.smtp_host} is not one of smtp_allowed_hosts")
        if self.smtp_security == "none" and not _is_loopback(self.smtp_host):
            raise UnsafeSettingsError("mail to another machine needs smtp_security starttls or tls")
        if (self.smtp_username is None) != (self.smtp_password is None):
            raise ValueError("smtp_username and smtp_password belong together")
        return self


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
