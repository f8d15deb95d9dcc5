"""Pictures by matplotlib: bytes from numbers, the same for the same, and nothing left behind in the process."""

import threading
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ImageFormat = Literal["svg", "png"]

BLUE, GREY, RED = "#1f6feb", "#8c959f", "#cf222e"

# One picture at a time: matplotlib's settings and font cache belong to the process, and drawing takes a whole core.
_DRAWING = threading.Lock()
_SETTINGS = {
    # Text stays text, and ids follow from the content: the same numbers give the same bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "careloop",
    # Whatever a matplotlibrc of the machine says.
    "font.family": "DejaVu Sans",
    "path.simplify": False,
}
_METADATA: dict[ImageFormat, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def image_of(
    paint: "Callable[[Figure], None]",
    *,
    title: str,
    size_inches: tuple[float, float],
    image_format: ImageFormat = "svg",
) -> bytes:
    """What `paint` puts on an empty figure. SVG stands alone: no script, nothing from elsewhere.

    Takes some tens of milliseconds of processor time: call it in a thread.
    """
    # Imported here: it takes a third of a second, which neither start-up nor another request shall wait for.
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with _DRAWING, mpl.rc_context(_SETTINGS):  # type: ignore[arg-type]
        figure = Figure(figsize=size_inches)
        paint(figure)
        image = BytesIO()
        metadata = {**_METADATA[image_format], "Title": title}
        figure.savefig(image, format=image_format, metadata=metadata)
    return image.getvalue()
