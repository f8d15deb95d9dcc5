"""Orders end where the incidents begin and are imported week by week."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from careloop.sample.history import Purchase, UnreadableHistoryError
from careloop.sample.orders import COLUMNS, as_csv, shifted
from careloop.sample.readers import read_purchases


def purchase(number: int, day: date) -> Purchase:
    return Purchase(f"o{number}", f"c{number}", day, 1, 100 * number)


def test_all_orders_move_by_the_same_days_so_that_the_last_is_the_day_before() -> None:
    moved = shifted(read_purchases(), date(2016, 2, 29))
    assert max(one.day for one in moved) == date(2016, 2, 28)
    days = {now.day - then.day for now, then in zip(moved, read_purchases(), strict=True)}
    assert days == {date(2016, 2, 28) - date(1998, 6, 30)}


def test_no_orders_stay_no_orders() -> None:
    assert shifted([], date(2016, 2, 29)) == []


def test_an_import_has_one_row_an_order_in_the_order_of_their_days() -> None:
    body = as_csv([purchase(2, date(2016, 1, 2)), purchase(1, date(2016, 1, 1))]).decode().splitlines()
    assert body[0] == ",".join(COLUMNS)
    assert [line.split(",")[0] for line in body[1:]] == ["o1", "o2"]
    assert body[1] == "o1,c1,100,USD,2016-01-01"


@pytest.mark.parametrize(
    "line",
    [
        "1 2 19970101 1",
        "1 2 19971301 1 3.00",
        "1 2 19970101 x 3.00",
        "1 2 19970101 1 3.005",
        "1 2 19970101 1 ?",
    ],
)
def test_a_bad_order_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "orders.txt"
    file.write_text(f" 00004 0001 19970101  2   29.33\n{line}\n")
    with pytest.raises(UnreadableHistoryError, match="line 2"):
        read_purchases(file)


def test_amounts_are_read_exactly() -> None:
    assert sum(one.amount_minor for one in read_purchases()) == 24_409_194
    assert datetime.combine(read_purchases()[0].day, datetime.min.time(), UTC).year == 1997
