"""How to reach whoever complained, as they gave it: kept apart from the complaint, never in events or logs."""

import re
from dataclasses import dataclass

from services.complaints.domain.errors import InvalidContactError
from shared.kernel.errors import FieldError

LONGEST_NAME = 200
LONGEST_EMAIL = 254
LONGEST_PHONE = 40

_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?P<local>{_LOCAL})@(?P<domain>{_LABEL}(?:\.{_LABEL})+)")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{2,}")


@dataclass(frozen=True, slots=True)
class Contact:
    """Name, e-mail and phone as given at intake; any may be missing."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None

    @classmethod
    def parse(cls, *, name: str | None, email: str | None, phone: str | None) -> "Contact":
        """Check what was given. Raises `InvalidContactError` naming every field that cannot be used."""
        broken = [
            *(_name_errors(name) if name is not None else ()),
            *(_email_errors(email) if email is not None else ()),
            *(_phone_errors(phone) if phone is not None else ()),
        ]
        if broken:
            raise InvalidContactError(field_errors=broken)
        return cls(name, email, phone)


def is_email_address(text: str) -> bool:
    """An ASCII `local@domain.tld` without quoting, comments or routes: nothing that could change a header."""
    found = _EMAIL.fullmatch(text) if len(text) <= LONGEST_EMAIL else None
    return found is not None and len(found["local"]) <= 64


def domain_of(address: str) -> str:
    """The domain of a checked address, in lower case."""
    return address.rpartition("@")[2].lower()


def _name_errors(name: str) -> list[FieldError]:
    # Control characters (new lines first of all) have no place in a name and could forge a mail header.
    if name.strip() and len(name) <= LONGEST_NAME and name.isprintable():
        return []
    rule = f"1 to {LONGEST_NAME} printable characters, no line breaks"
    return [FieldError("contact.name", "printable", rule)]


def _email_errors(email: str) -> list[FieldError]:
    if is_email_address(email):
        return []
    rule = "an address such as wang.fang@example.com in ASCII (a domain in its xn-- form)"
    return [FieldError("contact.email", "email", rule)]


def _phone_errors(phone: str) -> list[FieldError]:
    if len(phone) <= LONGEST_PHONE and _PHONE.fullmatch(phone):
        return []
    rule = f"digits, at most {LONGEST_PHONE} characters, with + in front and spaces or ()./- between at will"
    return [FieldError("contact.phone", "phone", rule)]
