"""Messages: attempts are bounded, what reached the customer is told truthfully."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.complaints.domain.message import (
    Message,
    MessageAlreadyDeliveredError,
    MessageKind,
    MessageStatus,
    RetryPolicy,
)
from services.complaints.domain.outcomes import Channel, Language

AT = datetime(2026, 3, 2, tzinfo=UTC)


def a_message(**facts: Any) -> Message:
    return Message(
        **{
            "id": UUID(int=1),
            "complaint_id": UUID(int=2),
            "kind": MessageKind.DECISION,
            "status": MessageStatus.QUEUED,
            "language": Language.ENGLISH,
            "template": "t.v1",
            "subject": "s",
            "body": "b",
            "asks_satisfaction": True,
            "created_at": AT,
            "next_attempt_at": AT,
            **facts,
        }
    )


@given(st.integers(1, 20), st.integers(1, 60), st.integers(60, 7200))
def test_pauses_grow_up_to_the_cap_and_attempts_end(most: int, base: int, cap: int) -> None:
    policy = RetryPolicy(max_attempts=most, base_seconds=base, cap_seconds=cap)
    tries = [policy.next_attempt_at(attempt, AT) for attempt in range(1, most + 3)]
    assert tries[most - 1 :] == [None] * 3
    pauses = [(one - AT).total_seconds() for one in tries[: most - 1] if one is not None]
    assert len(pauses) == most - 1
    assert pauses == sorted(pauses)
    assert all(base <= pause <= cap for pause in pauses)


def test_a_message_is_given_up_when_there_is_no_next_attempt() -> None:
    message = a_message()
    assert message.retry_or_give_up(AT + timedelta(minutes=1), "timeout", AT) is False
    assert message.status is MessageStatus.QUEUED
    assert message.retry_or_give_up(None, "recipient_refused_550", AT) is True
    assert (message.status, message.next_attempt_at, message.failed_at) == (MessageStatus.FAILED, None, AT)


def test_a_superseded_message_that_was_on_the_wire_is_told_as_delivered_but_stays_superseded() -> None:
    message = a_message()
    message.supersede()
    message.deliver(Channel.EMAIL, AT)
    assert (message.status, message.delivered_at) == (MessageStatus.SUPERSEDED, AT)


def test_nothing_is_delivered_twice() -> None:
    message = a_message()
    message.deliver(Channel.EMAIL, AT)
    with pytest.raises(MessageAlreadyDeliveredError):
        message.deliver(Channel.LETTER, AT)


def test_what_was_given_up_can_still_be_handed_over() -> None:
    message = a_message(status=MessageStatus.FAILED, next_attempt_at=None, failed_at=AT)
    message.deliver(Channel.LETTER, AT)
    assert (message.status, message.delivered_channel) == (MessageStatus.DELIVERED, Channel.LETTER)
