"""What `careloop value grade` prints and draws."""

from datetime import date
from pathlib import Path
from typing import Any, cast

from careloop.value_models.inputs import DAYS
from careloop.value_models.transactions import Log, read_log
from services.valuation.api.calibration_svg import CalibrationPicture, calibration_image
from services.valuation.api.drawing import ImageFormat
from services.valuation.domain.models.catalogue import BuyingModel
from services.valuation.domain.models.grading import GRADED, Grade, expected_by_period, grade
from services.valuation.domain.models.grading_words import document_of
from services.valuation.domain.models.holding_out import HeldOut
from shared.kernel.errors import InvalidInputError

_FORMATS: dict[str, ImageFormat] = {".svg": "svg", ".png": "png"}


class CalibrationEndInvalidError(InvalidInputError):
    """The calibration day lies in the file: on its first day or later, and before its last one."""


class PictureInvalidError(InvalidInputError):
    """A picture is written to a file that can be made, named .svg or .png, from data that a model fits."""


def graded(
    transactions: Path, *, model: str, calibration_end: date | None, unit: str, picture: Path | None
) -> dict[str, Any]:
    """One JSON object. Raises ValueFileInvalidError, CalibrationEndInvalidError and PictureInvalidError."""
    image_format = _format_of(picture)
    log = read_log(transactions, None)
    cut = _calibration_day(log, calibration_end)
    held_out = held_out_of(log, cut, DAYS[unit])
    found = grade(held_out, GRADED[model])
    if picture is not None:
        _draw(picture, image_format, picture_of(held_out, found, unit))
    return {
        "calibration_end": date.fromordinal(cut).isoformat(),
        "end": date.fromordinal(log.end).isoformat(),
        "unit": unit,
        **document_of(found),
    }


def held_out_of(log: Log, calibration_end: int, days_a_unit: int) -> HeldOut:
    """All of the log; `calibration_end` is an ordinal before its end."""
    rows = [(number, day, spent) for number, days in enumerate(log.customers) for day, spent in days.items()]
    customer, day, amount = zip(*rows, strict=True)
    return HeldOut.of(
        customer, day, amount, calibration_end=calibration_end, end=log.end, days_a_unit=days_a_unit
    )


def picture_of(held_out: HeldOut, found: Grade, unit: str) -> CalibrationPicture:
    """Raises PictureInvalidError when there is nothing to compare."""
    if found.buying is None or found.buying.parameters is None or found.calibration is None:
        raise PictureInvalidError("no picture: " + " ".join(reason.sentence for reason in found.reasons))
    expected = expected_by_period(held_out, cast("BuyingModel", found.buying.parameters))
    return CalibrationPicture(
        model=found.buying.model,
        unit=unit,
        groups=found.calibration.groups,
        expected=tuple(expected.tolist()),
        actual=tuple(held_out.later_by_period.cumsum()[: len(expected)].tolist()),
    )


def _calibration_day(log: Log, given: date | None) -> int:
    """The day given, else the middle of the log."""
    first = min(min(days) for days in log.customers)
    if first == log.end:
        raise CalibrationEndInvalidError(
            f"all purchases are of {date.fromordinal(first)}: a grade needs some to be told and some to be held out"
        )
    cut = (first + log.end) // 2 if given is None else given.toordinal()
    if not first <= cut < log.end:
        raise CalibrationEndInvalidError(
            f"the calibration day {date.fromordinal(cut)} must be from {date.fromordinal(first)} "
            f"to {date.fromordinal(log.end - 1)}"
        )
    return cut


def _format_of(picture: Path | None) -> ImageFormat:
    if picture is None:
        return "svg"
    if picture.suffix not in _FORMATS:
        raise PictureInvalidError(f"{picture.name} must end in {' or '.join(_FORMATS)}")
    return _FORMATS[picture.suffix]


def _draw(path: Path, image_format: ImageFormat, drawn: CalibrationPicture) -> None:
    try:
        path.write_bytes(calibration_image(drawn, image_format))
    except OSError as error:
        raise PictureInvalidError(f"{path} cannot be written: {error.strerror}") from None
