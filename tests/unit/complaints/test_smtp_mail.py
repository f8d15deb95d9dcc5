"""The mail as it leaves: headers that nobody can forge, one Message-ID for ever, bodies that survive seven bits."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from typing import Any
from uuid import UUID

import pytest

from services.complaints.domain.message import MessageKind
from services.complaints.domain.outcomes import Language
from services.complaints.workers.mail_transport import Mail
from services.complaints.workers.smtp_mail import SmtpServer, email_of

SERVER = SmtpServer(
    host="127.0.0.1", port=25, security="none", sender="complaints@care.example", sender_name="客户关怀, Ltd."
)


def a_mail(**facts: Any) -> Mail:
    return Mail(
        **{
            "id": UUID("01890000-0000-7000-8000-000000000001"),
            "kind": MessageKind.DECISION,
            "language": Language.CHINESE,
            "recipient": "wang.fang@example.com",
            "subject": "您的投诉 C-000001 的处理结果",
            "body": "我们已对您的投诉进行调查。" + "长" * 2000,
            "written_at": datetime(2026, 3, 2, tzinfo=UTC),
            **facts,
        }
    )


def test_what_leaves_is_ascii_and_reads_as_written() -> None:
    raw = email_of(a_mail(), SERVER).as_bytes()
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    read = message_from_bytes(raw, policy=default)
    assert read["Subject"] == "您的投诉 C-000001 的处理结果"
    assert read["To"] == "wang.fang@example.com"
    assert read["From"].addresses[0].display_name == "客户关怀, Ltd."
    assert read["Content-Language"] == "zh"
    assert read.get_body().get_content().rstrip() == a_mail().body  # type: ignore[union-attr]


def test_every_attempt_has_the_same_message_id_and_bytes() -> None:
    first, second = email_of(a_mail(), SERVER), email_of(a_mail(), SERVER)
    assert first["Message-ID"] == "<01890000-0000-7000-8000-000000000001@care.example>"
    assert first.as_bytes() == second.as_bytes()


def test_only_the_acknowledgement_calls_itself_automatic() -> None:
    assert email_of(a_mail(kind=MessageKind.ACKNOWLEDGEMENT), SERVER)["Auto-Submitted"] == "auto-replied"
    assert email_of(a_mail(), SERVER)["Auto-Submitted"] is None


@pytest.mark.parametrize(
    "forged",
    [
        {"subject": "hello\r\nBcc: all@example.com"},
        {"recipient": "wang@example.com\r\nBcc: all@example.com"},
        {"recipient": "wang@example.com, all@example.com"},
    ],
)
def test_a_header_cannot_be_injected_even_past_the_checks_at_intake(forged: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        email_of(a_mail(**forged), SERVER)
