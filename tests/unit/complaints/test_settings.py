"""Settings: mail leaves only where whoever runs the service said it may."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.complaints.service import mail_transport
from services.complaints.settings import ComplaintsSettings
from services.complaints.workers.captured_mail import CapturedMail
from services.complaints.workers.smtp_mail import SmtpMail

PRODUCTION = {
    "environment": "production",
    "issuer": "https://issuer.example",
    "jwks": "https://issuer.example/jwks",
    "allow_plaintext_network": True,
}


def some(**chosen: Any) -> ComplaintsSettings:
    return ComplaintsSettings(
        **{
            "database_url": "postgresql://u:p@127.0.0.1/c",
            "events_database_url": "postgresql://u:p@127.0.0.1/e",
            "jwks": "jwks.json",
            **chosen,
        }
    )


def test_without_more_words_mail_is_captured() -> None:
    assert isinstance(mail_transport(some()), CapturedMail)


def test_a_local_mail_server_needs_no_more_than_its_name() -> None:
    chosen = some(mail="smtp", smtp_host="127.0.0.1", smtp_security="none")
    assert isinstance(mail_transport(chosen), SmtpMail)


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"mail": "smtp"}, "needs smtp_host"),
        ({"mail": "smtp", "smtp_host": "mail.example"}, "smtp_allowed_hosts"),
        (
            {
                "mail": "smtp",
                "smtp_host": "mail.example",
                "smtp_allowed_hosts": ["mail.example"],
                "smtp_security": "none",
            },
            "starttls or tls",
        ),
        ({"mail": "smtp", "smtp_host": "localhost", "smtp_username": "u"}, "belong together"),
        ({"mail_from": "nobody"}, "mail_from"),
        ({"mail_from_name": "x\r\nBcc: y"}, "mail_from"),
        ({"unreachable_attempts": 2, "unreachable_channels": 3}, "unreachable_channels"),
        (PRODUCTION, "captured mail reaches nobody"),
    ],
)
def test_unsafe_or_incomplete_mail_settings_are_refused(chosen: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        some(**chosen)


def test_production_with_a_named_mail_server_over_tls_is_accepted() -> None:
    chosen = some(**PRODUCTION, mail="smtp", smtp_host="mail.example", smtp_allowed_hosts=["mail.example"])
    assert isinstance(mail_transport(chosen), SmtpMail)
