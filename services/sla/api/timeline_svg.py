"""The timeline of a clock as an SVG image that stands alone: no script, no style sheet, nothing from elsewhere."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from services.sla.domain.picture import Interval, LocalTime, Mark, Picture, edges

WIDTH = 1_000
MARGIN = 30
PLOT = WIDTH - 2 * MARGIN
BAR_TOP, BAR_HEIGHT = 150, 44
LONGEST_TEXT = 110
LABEL_ROWS = 4
ROW_HEIGHT = 15
# So wide is a letter of the small labels, roughly: enough to keep labels apart.
LETTER = 6.2
SMALL = "11"
COLOURS = {"counted": "#1f6feb", "closed": "#d0d7de", "paused": "#f2cc60", "ahead": "#ffffff"}
LINES = {
    "warning": "#9a6700",
    "due": "#cf222e",
    "escalation": "#8250df",
    "event": "#424a53",
    "now": "#1a7f37",
}
LEGEND = (
    ("counted", "counted"),
    ("closed", "skipped: closed, holiday"),
    ("paused", "skipped: paused"),
    ("ahead", "still to come, or after the end"),
)
# What XML 1.0 cannot say, however it is escaped.
_UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Caption:
    """`title` says what clock it is, `lines` the target, the policy and the sum."""

    title: str
    lines: Sequence[str]


def timeline_svg(drawn: Picture, caption: Caption, local: LocalTime) -> bytes:
    """The image, in UTF-8. Its size is bounded by the picture's."""
    top = [*drawn.thresholds, *([drawn.now] if drawn.now else [])]
    height = BAR_TOP + BAR_HEIGHT + ROW_HEIGHT * (2 * LABEL_ROWS + 5) + 20
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "width": str(WIDTH),
            "height": str(height),
            "role": "img",
            "aria-labelledby": "title desc",
            "font-family": "system-ui, sans-serif",
            "font-size": SMALL,
            "fill": "#1f2328",
        },
    )
    SubElement(svg, "title", {"id": "title"}).text = _said(caption.title)
    SubElement(svg, "desc", {"id": "desc"}).text = _said(_described(drawn, caption, local), longest=4_000)
    SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
    _text(svg, MARGIN, 24, caption.title, size="16", weight="600")
    for row, line in enumerate(caption.lines[:3]):
        _text(svg, MARGIN, 44 + ROW_HEIGHT * row, line)
    _bar(svg, drawn.intervals, local)
    _marks(svg, top, local, above=True)
    _marks(svg, drawn.events, local, above=False)
    below = BAR_TOP + BAR_HEIGHT + ROW_HEIGHT * (LABEL_ROWS + 1) + 8
    _axis(svg, drawn, local, below)
    _legend(svg, below + 2 * ROW_HEIGHT + 10)
    note = f"Times in {drawn.zone}. Skipped stretches marked ≈ are drawn shorter than they were."
    if drawn.is_bounded:
        note += " More intervals or marks exist than are drawn."
    _text(svg, MARGIN, below + 4 * ROW_HEIGHT + 10, note)
    body: bytes = tostring(svg, encoding="utf-8", xml_declaration=True)
    return body


def _bar(svg: Element, intervals: Sequence[Interval], local: LocalTime) -> None:
    group = SubElement(svg, "g", {"id": "intervals", "stroke": "#57606a", "stroke-width": "0.5"})
    for interval in intervals:
        width = PLOT * (interval.end_x - interval.start_x)
        drawn = SubElement(
            group,
            "rect",
            {
                "x": f"{MARGIN + PLOT * interval.start_x:.2f}",
                "y": str(BAR_TOP),
                "width": f"{width:.2f}",
                "height": str(BAR_HEIGHT),
                "fill": COLOURS[interval.kind],
                "data-kind": interval.kind,
                "data-start": interval.start_at.isoformat(),
                "data-end": interval.end_at.isoformat(),
            },
        )
        if interval.kind == "ahead":
            drawn.set("stroke-dasharray", "4 3")
        name = "" if interval.name is None else f" ({interval.name})"
        reason = interval.reason.replace("_", " ")
        when = f"{_time(interval.start_at, local)} to {_time(interval.end_at, local)}"
        SubElement(drawn, "title").text = _said(f"{interval.kind}: {reason}{name}, {when}")
        if interval.is_compressed and width > LETTER:
            middle = MARGIN + PLOT * interval.start_x + width / 2
            _text(group, middle, BAR_TOP + BAR_HEIGHT / 2 + 4, "≈", anchor="middle")


def _marks(svg: Element, marks: Sequence[Mark], local: LocalTime, *, above: bool) -> None:
    """Lines with labels in as many rows as are needed to keep them apart; the last row takes what is left."""
    group = SubElement(svg, "g", {"id": "thresholds" if above else "events"})
    taken = [float("-inf")] * LABEL_ROWS
    for mark in sorted(marks, key=lambda mark: (mark.x, mark.at)):
        x = MARGIN + PLOT * mark.x
        label = _said(f"{mark.label} {_time(mark.at, local)}", longest=48)
        width = LETTER * len(label)
        left = min(max(x - width / 2, MARGIN), WIDTH - MARGIN - width)
        row = next((row for row, end in enumerate(taken) if end <= left), None)
        near, far = (BAR_TOP, BAR_TOP - 8) if above else (BAR_TOP + BAR_HEIGHT, BAR_TOP + BAR_HEIGHT + 8)
        colour = LINES[mark.kind]
        line = SubElement(
            group,
            "line",
            {
                "x1": f"{x:.2f}",
                "x2": f"{x:.2f}",
                "y1": str(far),
                "y2": str(BAR_TOP + BAR_HEIGHT if above else near),
                "stroke": colour,
                "stroke-width": "2",
                "data-kind": mark.kind,
                "data-at": mark.at.isoformat(),
            },
        )
        SubElement(line, "title").text = label
        if row is None:
            continue
        taken[row] = left + width + LETTER
        y = far - 4 - ROW_HEIGHT * row if above else far + 11 + ROW_HEIGHT * row
        _text(group, left, y, label, colour=colour)


def _axis(svg: Element, drawn: Picture, local: LocalTime, y: float) -> None:
    group = SubElement(svg, "g", {"id": "axis", "fill": "#57606a"})
    free = float("-inf")
    for at, share in edges(drawn):
        label = _time(at, local)
        width = LETTER * len(label)
        left = min(max(MARGIN + PLOT * share - width / 2, MARGIN), WIDTH - MARGIN - width)
        if left >= free:
            _text(group, left, y, label, colour="#57606a")
            free = left + width + 2 * LETTER


def _legend(svg: Element, y: float) -> None:
    group = SubElement(svg, "g", {"id": "legend"})
    x = float(MARGIN)
    for kind, label in LEGEND:
        SubElement(
            group,
            "rect",
            {
                "x": f"{x:.0f}",
                "y": f"{y:.0f}",
                "width": "14",
                "height": "11",
                "fill": COLOURS[kind],
                "stroke": "#57606a",
            },
        )
        _text(group, x + 19, y + 10, label)
        x += 35 + LETTER * len(label)
    for kind, colour in LINES.items():
        at = {"x1": f"{x:.0f}", "x2": f"{x:.0f}", "y1": f"{y:.0f}", "y2": f"{y + 11:.0f}"}
        SubElement(group, "line", {**at, "stroke": colour, "stroke-width": "2"})
        _text(group, x + 6, y + 10, kind)
        x += 20 + LETTER * len(kind)


def _text(
    parent: Element,
    x: float,
    y: float,
    text: str,
    *,
    size: str = SMALL,
    weight: str = "400",
    colour: str | None = None,
    anchor: str = "start",
) -> None:
    given = {
        "x": f"{x:.1f}",
        "y": f"{y:.1f}",
        "font-size": size,
        "font-weight": weight,
        "text-anchor": anchor,
    }
    if colour is not None:
        given["fill"] = colour
    SubElement(parent, "text", {**given, "stroke": "none"}).text = _said(text)


def _described(drawn: Picture, caption: Caption, local: LocalTime) -> str:
    marks = [*drawn.thresholds, *drawn.events, *([drawn.now] if drawn.now else [])]
    said = [f"{mark.label} {_time(mark.at, local)}" for mark in sorted(marks, key=lambda mark: mark.at)]
    return ". ".join([*caption.lines, *said, f"Times in {drawn.zone}"]) + "."


def _time(at: datetime, local: LocalTime) -> str:
    shown = local.of(at)
    return f"{shown:%Y-%m-%d %H:%M}" if shown.second == 0 else f"{shown:%Y-%m-%d %H:%M:%S}"


def _said(text: str, longest: int = LONGEST_TEXT) -> str:
    """Text as XML can carry it, cut to a bounded length; the writer escapes it."""
    clean = _UNSPEAKABLE.sub("\ufffd", text)
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"
