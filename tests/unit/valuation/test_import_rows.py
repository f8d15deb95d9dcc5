"""Reading an import's body: however it is cut into chunks, whatever single rows hold."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.valuation.api.import_rows import LONGEST_ROW, CsvReader, NdjsonReader, RowReader
from services.valuation.domain.days import ReviewCalendar
from services.valuation.domain.errors import ImportHeaderInvalidError
from services.valuation.domain.ledger import LedgerRules
from services.valuation.persistence.imports import ImportRow, Rejection

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LEDGER = LedgerRules("USD", ReviewCalendar("Asia/Shanghai", 7), Decimal("0.30"))
HEADER = b"external_id,customer_external_id,occurred_at,amount_minor,kind,corrects_external_id\n"


def read(reader: RowReader, *chunks: bytes) -> list[ImportRow | Rejection]:
    found: list[ImportRow | Rejection] = []
    for chunk in chunks:
        found += reader.feed(chunk)
    return [*found, *reader.finish()]


def csv(*chunks: bytes) -> list[ImportRow | Rejection]:
    return read(CsvReader(LEDGER, NOW), *chunks)


def ndjson(*chunks: bytes) -> list[ImportRow | Rejection]:
    return read(NdjsonReader(LEDGER, NOW), *chunks)


def test_a_day_is_the_start_of_that_day_in_the_ledgers_zone_and_empty_fields_are_absent() -> None:
    [row] = csv(HEADER + b"o-1,c-1,2026-03-01,2933,,\n")
    assert isinstance(row, ImportRow)
    assert row.row_number == 1
    assert row.entry.occurred_at == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert (row.entry.kind, row.entry.currency, row.entry.amount_minor) == ("purchase", "USD", 2933)
    assert row.customer_external_id == "c-1"


def test_quotes_line_breaks_byte_order_mark_and_windows_line_ends_are_csv() -> None:
    body = b"\xef\xbb\xbf" + HEADER.replace(b"\n", b"\r\n")
    body += '"o ""1""\n续","c,1",2026-03-01T10:00:00+08:00,5,,\r\n\r\no-2,c,2026-03-01,6,,'.encode()
    first, second = csv(body)
    assert isinstance(first, ImportRow)
    assert first.entry.external_id == 'o "1"\n续'
    assert first.customer_external_id == "c,1"
    assert isinstance(second, ImportRow)
    assert second.row_number == 2


@pytest.mark.parametrize(
    ("line", "code", "field"),
    [
        (b"o,c,2026-03-01,x,,", "invalid_input", "amount_minor"),
        (b"o,c,2026-03-01,-5,,", "amount_out_of_range", "amount_minor"),
        (b"o,c,yesterday,5,,", "invalid_input", "occurred_at"),
        (b"o,c,2031-01-01,5,,", "occurred_at_out_of_range", "occurred_at"),
        (b"o,,2026-03-01,5,,", "invalid_input", None),
        (b",c,2026-03-01,5,,", "invalid_input", "external_id"),
        (b"o,c,2026-03-01,5,gift,", "invalid_input", "kind"),
        (b"o,c,2026-03-01,5,refund,", "corrected_transaction_missing", "corrects_external_id"),
        (b"o,c,2026-03-01,5", "invalid_input", None),
        (b"\xff,c,2026-03-01,5,,", "invalid_input", None),
        (b'o,c,2026-03-01,"5"x,,', "invalid_input", None),
        (b"o\x00,c,2026-03-01,5,,", "invalid_input", None),
        (b"o" * 300 + b",c,2026-03-01,5,,", "invalid_input", "external_id"),
        (b"o," + b"c" * LONGEST_ROW + b",2026-03-01,5,,", "row_too_long", None),
        (b'"o' + b"\n" * (LONGEST_ROW + 1) + b'",c,2026-03-01,5,,', "row_too_long", None),
    ],
)
def test_a_bad_row_is_named_by_number_and_the_rest_goes_on(line: bytes, code: str, field: str | None) -> None:
    found = csv(HEADER + b"a,c,2026-03-01,5,,\n", line + b"\nb,c,2026-03-01,5,,\n")
    rejected = [one for one in found if isinstance(one, Rejection)]
    assert rejected[0].row_number == 2
    assert rejected[0].code == code
    if field is not None:
        assert rejected[0].field is not None
        assert rejected[0].field.startswith(field)
    assert isinstance(found[0], ImportRow)
    accepted = [one.entry.external_id for one in found if isinstance(one, ImportRow)]
    assert accepted == ["a", "b"]


@pytest.mark.parametrize(
    ("header", "field"),
    [
        (b"", None),
        (b"external_id,customer_id,occurred_at\n", "amount_minor"),
        (b"external_id,occurred_at,amount_minor\n", "customer_external_id"),
        (b"external_id,customer_id,occurred_at,amount_minor,colour\n", "colour"),
        (b"external_id,external_id,customer_id,occurred_at,amount_minor\n", "external_id"),
        (b"\xff\n", None),
    ],
)
def test_a_header_that_cannot_be_used_refuses_the_body(header: bytes, field: str | None) -> None:
    with pytest.raises(ImportHeaderInvalidError) as refused:
        csv(header)
    assert [error.field for error in refused.value.field_errors] == ([] if field is None else [field])


def test_json_lines_are_read_like_transactions() -> None:
    found = ndjson(
        b'{"external_id":"a","customer_external_id":"c","occurred_at":"2026-03-01","amount_minor":5}\n\n'
        b'{"external_id":"b"\n{"external_id":"d","customer_external_id":"c","occurred_at":"2026-03-01",',
        b'"amount_minor":5,"colour":"red"}\n[]',
    )
    assert [type(one).__name__ for one in found] == ["ImportRow", "Rejection", "Rejection", "Rejection"]
    assert [one.row_number for one in found] == [1, 2, 3, 4]


BODY = HEADER + b"".join(
    b'"o-%d\n",c-%d,2026-03-01,%d,,\r\n' % (place, place, place if place % 7 else -1) for place in range(40)
)


@given(st.lists(st.integers(0, len(BODY)), max_size=20))
def test_how_the_body_is_cut_does_not_matter(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(BODY)]
    chunks = [BODY[start:end] for start, end in pairwise(places)]
    assert csv(*chunks) == csv(BODY)


LINES = [
    b"o-1,c-1,2026-03-01,1,,",
    b"o-2,c-2,2026-03-01,2,,\r",
    b"o-3,c-3,2026-03-01,-3,,",
    b'"o-4",c-4,2026-03-01,4,,',
    b'"o-5',
    b"",
    b" \r",
    b"\xc2\xa0",
    b"\xff,c-6,2026-03-01,6,,",
    b"o-7,c-7\r,2026-03-01,7,,",
    b"o-8,c-8",
    b"o-9,c-9,2026-03-01,9,,\r\r",
]


@given(st.lists(st.sampled_from(LINES), max_size=12))
def test_lines_that_are_read_all_at_once_are_read_as_they_would_be_one_by_one(lines: list[bytes]) -> None:
    one_by_one = [line + b"\n" for line in lines]
    assert csv(HEADER, *one_by_one) == csv(HEADER + b"".join(one_by_one))
