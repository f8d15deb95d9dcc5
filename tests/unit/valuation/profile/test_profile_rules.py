"""People, consent and wishes of an account: what holds, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.domain.customers import Contact, Customer
from services.valuation.domain.profile.consents import (
    PURPOSES,
    Consent,
    ConsentDecision,
    check_consent,
    in_force,
)
from services.valuation.domain.profile.errors import (
    ConsentAtOutOfRangeError,
    PayerAlreadyNamedError,
    TooManyPeopleError,
    UnknownPurposeError,
    UnknownTimezoneError,
)
from services.valuation.domain.profile.people import (
    MOST_PEOPLE,
    Person,
    PersonRole,
    brought_together,
    check_people,
)
from services.valuation.domain.profile.preferences import Preferences
from shared.kernel.errors import InvalidInputError
from shared.kernel.ids import new_id

AT = datetime(2026, 3, 2, tzinfo=UTC)
ACCOUNT = new_id()


def person(*roles: PersonRole) -> Person:
    return Person(new_id(), ACCOUNT, roles, "Li", (), AT, AT)


def test_an_account_has_one_payer_and_a_bounded_number_of_people() -> None:
    check_people([person("payer", "contact"), person("user"), person("contact")])
    with pytest.raises(PayerAlreadyNamedError):
        check_people([person("payer"), person("user", "payer")])
    with pytest.raises(TooManyPeopleError):
        check_people([person("user") for _ in range(MOST_PEOPLE + 1)])


def test_of_two_payers_the_survivors_stays_and_the_other_becomes_a_contact() -> None:
    kept, joining = [person("payer")], [person("payer"), person("user"), person("payer", "user")]
    changed = brought_together(kept, joining, AT + timedelta(days=1))
    assert [(one.id, one.roles, one.version) for one in changed] == [
        (joining[0].id, ("contact",), 2),
        (joining[2].id, ("user",), 2),
    ]
    assert brought_together([person("contact")], joining[:1], AT) == []


def decision(at: datetime, said: ConsentDecision, purpose: str = "marketing") -> Consent:
    return Consent(new_id(), ACCOUNT, purpose, "email", said, at, "web_form", None, AT)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["given", "withdrawn"])), min_size=1), st.randoms()
)
def test_the_decision_made_last_holds_in_whatever_order_it_is_told(
    told: list[tuple[int, ConsentDecision]], random: object
) -> None:
    decisions = [decision(AT + timedelta(days=day), said) for day, said in told]
    shuffled = sorted(decisions, key=lambda _: random.random())  # type: ignore[attr-defined]
    latest = max(decisions, key=lambda one: (one.at, one.id))
    assert in_force(shuffled) == {("marketing", "email"): latest}


def test_consent_is_for_a_known_purpose_and_an_instant_that_has_come() -> None:
    for purpose in PURPOSES:
        check_consent(purpose, AT, AT, 300)
    check_consent("marketing", AT + timedelta(seconds=300), AT, 300)
    with pytest.raises(UnknownPurposeError, match="marketing"):
        check_consent("world_domination", AT, AT, 300)
    for at in (AT + timedelta(seconds=301), datetime(1969, 12, 31, tzinfo=UTC)):
        with pytest.raises(ConsentAtOutOfRangeError):
            check_consent("marketing", at, AT, 300)


def wishes(**facts: object) -> Preferences:
    plain = {"language": None, "channel": None, "timezone": "Asia/Shanghai", "quiet_from": None}
    rest = {"quiet_until": None, "interests": (), "changed_at": AT}
    return Preferences(customer_id=ACCOUNT, **plain | rest | facts)  # type: ignore[arg-type]


def test_wishes_name_a_time_zone_and_whole_quiet_hours() -> None:
    assert wishes(quiet_from=time(22), quiet_until=time(7)).quiet_from == time(22)
    for unknown in ("Mars/Olympus", "", "../etc/passwd", "\x00"):
        with pytest.raises(UnknownTimezoneError):
            wishes(timezone=unknown)
    for quiet in ({"quiet_from": time(22)}, {"quiet_from": time(7), "quiet_until": time(7)}):
        with pytest.raises(InvalidInputError):
            wishes(**quiet)


def customer(name: str | None, *contacts: str) -> Customer:
    listed = tuple(Contact("email", one) for one in contacts)
    return Customer(new_id(), 1, None, "person", name, listed, AT, AT)


def test_a_survivor_keeps_its_name_and_gets_the_others_contacts_once() -> None:
    survivor, merged = customer("A", "a@x", "b@x"), customer("B", "b@x", "c@x")
    whole = survivor.absorbing(merged, AT)
    assert (whole.display_name, [one.value for one in whole.contacts]) == ("A", ["a@x", "b@x", "c@x"])
    assert replace(survivor, display_name=None).absorbing(merged, AT).display_name == "B"
    gone = merged.merged_into(survivor.id, AT)
    assert (gone.display_name, gone.contacts, gone.merged_into_id) == (None, (), survivor.id)
    assert isinstance(gone.merged_into_id, UUID)
