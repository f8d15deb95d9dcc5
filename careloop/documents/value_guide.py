"""The pictures of the guide on the value of a customer, drawn from the CDNOW sample that ships with the project."""

from dataclasses import replace
from datetime import date

from careloop.sample.readers import read_purchases
from careloop.value_models.grade import picture_of
from services.valuation.api.calibration_svg import CalibrationPicture, calibration_image
from services.valuation.api.concentration_svg import concentration_svg
from services.valuation.domain.models.grading import grade
from services.valuation.domain.models.holding_out import HeldOut
from services.valuation.domain.segments.concentration import concentration_of

CALIBRATION_END = date(1997, 9, 30)
END = date(1998, 6, 30)
PICTURES = "guides/pictures"
# Sums and maxima may differ in their last digits from one processor to the next; what is drawn must not.
_DIGITS = 2
_CURVE_POINTS = 100


def cdnow_held_out() -> HeldOut:
    """39 weeks told, 39 held out; spend in dollars."""
    purchases = read_purchases()
    numbers = {name: number for number, name in enumerate(sorted({one.customer for one in purchases}))}
    return HeldOut.of(
        [numbers[one.customer] for one in purchases],
        [one.day.toordinal() for one in purchases],
        [one.amount_minor / 100 for one in purchases],
        calibration_end=CALIBRATION_END.toordinal(),
        end=END.toordinal(),
        days_a_unit=7,
    )


def value_guide_files() -> dict[str, str]:
    """Path below docs/ → text."""
    held_out = cdnow_held_out()
    calibration = _rounded(picture_of(held_out, grade(held_out), "week"))
    cents = [round(spent * 100) for spent in held_out.spent.tolist()]
    concentration = concentration_of(cents, _CURVE_POINTS)
    return {
        f"{PICTURES}/calibration.svg": calibration_image(calibration).decode(),
        f"{PICTURES}/concentration.svg": concentration_svg(concentration, "Concentration of spend").decode(),
    }


def _rounded(drawn: CalibrationPicture) -> CalibrationPicture:
    return replace(
        drawn,
        groups=tuple(
            replace(
                group,
                model=round(group.model, _DIGITS),
                past_rate=round(group.past_rate, _DIGITS),
                actual=round(group.actual, _DIGITS),
            )
            for group in drawn.groups
        ),
        expected=tuple(round(purchases) for purchases in drawn.expected),
    )
