"""The texts: both languages for everything, versioned, and no promise of what is not known."""

import re
from datetime import UTC, datetime

import pytest

from services.complaints.domain import message_texts
from services.complaints.domain.message_texts import ACKNOWLEDGEMENTS, DECISIONS, RESPONSES, Template
from services.complaints.domain.outcomes import Language, Outcome

ALL = [*ACKNOWLEDGEMENTS.values(), *RESPONSES.values(), *DECISIONS.values()]
IDS = [f"{one.name}-{one.language}" for one in ALL]
# Words of time and assurance: none of them is this service's to say.
PROMISES = re.compile(
    r"\b(within|soon|shortly|promptly|hours?|days?|as soon as|immediately|guarantee|promise|will)\b"
    r"|小时|天内|日内|尽快|马上|立即|稍后|保证|承诺|一定",
    re.IGNORECASE,
)
RECEIVED_AT = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize("template", ALL, ids=IDS)
def test_no_text_promises_what_is_not_known(template: Template) -> None:
    assert not PROMISES.search(template.subject + template.body)


@pytest.mark.parametrize("template", ALL, ids=IDS)
def test_every_text_has_a_version_and_known_places_only(template: Template) -> None:
    assert re.fullmatch(r"[a-z_]+\.v[1-9][0-9]*", template.name)
    places = set(re.findall(r"\{(\w*)\}", template.subject + template.body))
    assert places <= {"number", "received_on", "text"}
    assert "{number}" in template.subject
    assert "\n" not in template.subject


@pytest.mark.parametrize("outcome", Outcome)
def test_each_outcome_is_told_in_both_languages(outcome: Outcome) -> None:
    english, chinese = (
        message_texts.decision(outcome, language, number="C-000007", explanation="{text} {0} 因为")
        for language in (Language.ENGLISH, Language.CHINESE)
    )
    assert english.template == chinese.template
    assert english.asks_satisfaction is chinese.asks_satisfaction
    assert "C-000007" in chinese.subject
    assert "{text} {0} 因为" in english.body
    assert re.search(r"[\u4e00-\u9fff]", chinese.body)


@pytest.mark.parametrize(
    ("outcome", "asks"),
    [
        (Outcome.UPHELD, True),
        (Outcome.PARTLY_UPHELD, True),
        (Outcome.NOT_UPHELD, True),
        (Outcome.OUT_OF_REMIT, False),
        (Outcome.WITHDRAWN, False),
        (Outcome.UNREACHABLE, False),
    ],
)
def test_a_finding_asks_whether_the_customer_is_satisfied(outcome: Outcome, asks: bool) -> None:
    text = message_texts.decision(outcome, Language.ENGLISH, number="C-1", explanation="…")
    assert text.asks_satisfaction is asks
    assert ("satisfied" in text.body) is asks


def test_the_acknowledgement_says_that_it_is_not_the_answer() -> None:
    text = message_texts.acknowledgement(Language.ENGLISH, number="C-000007", received_at=RECEIVED_AT)
    assert "automatic acknowledgement and not the answer" in text.body
    assert "2026-03-02 (UTC)" in text.body
