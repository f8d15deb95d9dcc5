"""How a forecast compared with what came, drawn: by group of customers, and as time went on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.valuation.api.drawing import BLUE, GREY, RED, ImageFormat, image_of
from services.valuation.domain.models.grading import Group
from services.valuation.domain.models.grading_words import group_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCHES = (10.0, 4.5)
_BAR = 0.27


@dataclass(frozen=True, slots=True)
class CalibrationPicture:
    """The numbers that are drawn.

    model                      its name
    unit                       of time, such as "week"
    groups                     mean purchases held out, by repeat purchases so far
    expected, actual           purchases of all customers until the end of each unit held out, cumulated; equally many
    """

    model: str
    unit: str
    groups: tuple[Group, ...]
    expected: tuple[float, ...]
    actual: tuple[float, ...]


def calibration_image(drawn: CalibrationPicture, image_format: ImageFormat = "svg") -> bytes:
    """Two panels."""

    def paint(figure: "Figure") -> None:
        # Fixed margins: a layout that measures texts differs where fonts do.
        figure.subplots_adjust(left=0.07, right=0.985, bottom=0.13, top=0.9, wspace=0.2)
        by_group, by_time = figure.subplots(1, 2)
        _groups(by_group, drawn)
        _cumulative(by_time, drawn)

    return image_of(
        paint,
        title=f"Forecast of {drawn.model} and what came",
        size_inches=SIZE_INCHES,
        image_format=image_format,
    )


def _groups(axes: "Axes", drawn: CalibrationPicture) -> None:
    places = range(len(drawn.groups))
    for shift, label, colour, heights in (
        (-_BAR, "rate so far, continued", GREY, [group.past_rate for group in drawn.groups]),
        (0.0, f"expected by {drawn.model}", BLUE, [group.model for group in drawn.groups]),
        (_BAR, "came", RED, [group.actual for group in drawn.groups]),
    ):
        axes.bar([place + shift for place in places], heights, _BAR, color=colour, label=label)
    axes.set_xticks(list(places), [group_name(group.frequency) for group in drawn.groups])
    axes.set_title("By repeat purchases so far")
    axes.set_xlabel("repeat purchases in the time told")
    axes.set_ylabel("mean purchases in the time held out")
    axes.legend(loc="upper left")


def _cumulative(axes: "Axes", drawn: CalibrationPicture) -> None:
    periods = range(1, len(drawn.actual) + 1)
    axes.plot(periods, drawn.actual, color=RED, label="came")
    axes.plot(periods, drawn.expected, color=BLUE, linestyle="--", label=f"expected by {drawn.model}")
    axes.set_ylim(bottom=0)
    axes.set_title("As time went on")
    axes.set_xlabel(f"{drawn.unit}s since the calibration day")
    axes.set_ylabel("purchases of all customers")
    axes.legend(loc="upper left")
