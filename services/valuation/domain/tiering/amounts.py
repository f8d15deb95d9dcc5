"""Amounts and days as people read them, the same in English and Chinese."""

from datetime import datetime

from services.valuation.domain.days import ReviewCalendar

# ISO 4217: currencies whose minor unit is not a hundredth.
_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def amount_text(minor: int, currency: str) -> str:
    """`1,234.50 USD` for 123450 minor units."""
    digits = _DIGITS.get(currency, 2)
    whole, rest = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    fraction = f".{rest:0{digits}d}" if digits else ""
    return f"{sign}{whole:,}{fraction} {currency}"


def day_text(at: datetime, calendar: ReviewCalendar) -> str:
    """`2026-03-01`: the ledger's day that holds the instant."""
    return calendar.day_of(at).isoformat()
