"""The words of a complaint: where it came from, how bad it is, how it ended."""

from enum import StrEnum


class Channel(StrEnum):
    """How a complaint came in, or how somebody was reached."""

    PHONE = "phone"
    CHAT = "chat"
    EMAIL = "email"
    SMS = "sms"
    SOCIAL = "social"
    WEB = "web"
    LETTER = "letter"

    @property
    def is_live(self) -> bool:
        """Whoever complains sees or hears our answer while complaining."""
        return self in (Channel.PHONE, Channel.CHAT, Channel.WEB)


class Severity(StrEnum):
    """How bad it is, as judged by a person."""

    MINOR = "minor"
    SERIOUS = "serious"
    CRITICAL = "critical"


class Outcome(StrEnum):
    """How a complaint ended."""

    UPHELD = "upheld"
    PARTLY_UPHELD = "partly_upheld"
    NOT_UPHELD = "not_upheld"
    WITHDRAWN = "withdrawn"
    OUT_OF_REMIT = "out_of_remit"
    UNREACHABLE = "unreachable"

    @property
    def finds_fault(self) -> bool:
        """The company was wrong, wholly or in part."""
        return self in (Outcome.UPHELD, Outcome.PARTLY_UPHELD)

    @property
    def answers_customer(self) -> bool:
        """A person's finding that answers the customer, as opposed to the confirmation of an ending."""
        return self not in (Outcome.WITHDRAWN, Outcome.UNREACHABLE)


class WaitingOn(StrEnum):
    """Whom an investigation waits for."""

    CUSTOMER = "customer"
    THIRD_PARTY = "third_party"


class Language(StrEnum):
    """The language in which the customer is written to."""

    ENGLISH = "en"
    CHINESE = "zh"
