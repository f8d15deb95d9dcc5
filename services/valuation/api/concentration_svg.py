"""The concentration curve as an SVG picture that stands alone."""

import threading
from io import BytesIO
from typing import Any

from services.valuation.domain.segments.concentration import Concentration

SIZE_INCHES = (7.0, 5.0)
BLUE, GREY, RED = "#1f6feb", "#8c959f", "#cf222e"

# One picture at a time: matplotlib's font cache is not made for several threads, and drawing takes a whole core.
_DRAWING = threading.Lock()


def concentration_svg(measured: Concentration, title: str) -> bytes:
    """The curve with the line of equality, the top fifth marked and the Gini coefficient named; UTF-8.

    Takes some tens of milliseconds of processor time: call it in a thread.
    """
    # Imported here: it takes a third of a second, which no other request shall wait for.
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with _DRAWING:
        # Text stays text, and the same curve gives the same bytes.
        mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "careloop"})
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
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
        image = BytesIO()
        figure.savefig(image, format="svg", metadata={"Date": None, "Creator": None, "Title": title})
    return image.getvalue()


def _draw(axes: Any, measured: Concentration, gini: float) -> None:
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
