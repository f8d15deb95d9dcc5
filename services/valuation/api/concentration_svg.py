"""The concentration curve as an SVG picture that stands alone."""

from typing import TYPE_CHECKING

from services.valuation.api.drawing import BLUE, GREY, RED, image_of
from services.valuation.domain.segments.concentration import Concentration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCHES = (7.0, 5.0)


def concentration_svg(measured: Concentration, title: str) -> bytes:
    """The curve with the line of equality, the top fifth marked and the Gini coefficient named; UTF-8.

    Takes some tens of milliseconds of processor time: call it in a thread.
    """

    def paint(figure: "Figure") -> None:
        # Fixed margins: a layout that measures texts differs where fonts do.
        figure.subplots_adjust(left=0.1, right=0.97, bottom=0.11, top=0.92)
        axes = figure.add_subplot()
        axes.set_title(title)
        axes.set_xlabel("share of customers, the most valuable first")
        axes.set_ylabel("share of the value")
        axes.set_xlim(0, 1)
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="all alike")
        if measured.gini is None:
            axes.text(0.5, 0.5, "no value to share yet", ha="center", va="center")
        else:
            _draw(axes, measured, measured.gini)
        axes.legend(loc="lower right")

    return image_of(paint, title=title, size_inches=SIZE_INCHES)


def _draw(axes: "Axes", measured: Concentration, gini: float) -> None:
    shares = [point.customer_share for point in measured.points]
    values = [point.value_share for point in measured.points]
    customers = f"{measured.customers:,} customers"
    axes.plot(shares, values, color=BLUE, label=f"{customers}, Gini {gini:.3f}")
    axes.set_ylim(min(0.0, *values), max(1.0, *values) * 1.02)
    fifth = next((point for point in measured.points if abs(point.customer_share - 0.2) < 1e-9), None)
    if fifth is not None:
        axes.plot([0.2, 0.2, 0], [0, fifth.value_share, fifth.value_share], color=RED, linewidth=0.8)
        axes.annotate(
            f"the top 20 % bring {fifth.value_share:.1%}", (0.22, fifth.value_share - 0.04), color=RED
        )
