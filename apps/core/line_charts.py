"""Lines over time, for amounts that may be below nothing; otherwise as `charts`: drawn in our colours, with a table."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.core.charts import WIDTHS, Chart, Point, Series, Text, axis_of, colours_of, draw, frame, ink


def lines(title: Text, points: Sequence[Point], series: Sequence[Series]) -> Chart:
    """A line for each of the series. A point without a value is a gap in its line."""
    return Chart(
        title=title,
        drawings=[
            (name, draw(_spec(points, series, width=width, height=height, labels=labels)))
            for name, width, height, labels in WIDTHS
        ],
        legend=[(one.label, one.tone) for one in series],
        columns=[one.label for one in series],
        rows=[(point.title, [point.values.get(one.key) for one in series]) for point in points],
    )


def _spec(points: Sequence[Point], series: Sequence[Series], *, width: int, height: int, labels: int) -> dict[str, Any]:
    rows = [
        {
            "at": index,
            "series": one.key,
            "value": point.values.get(one.key),
            "words": _("%(when)s: %(what)s %(count)s")
            % {"when": point.title, "what": str(one.label), "count": f"{point.values.get(one.key) or 0:,.2f}"},
        }
        for one in series
        for index, point in enumerate(points)
    ]
    colour = colours_of(series)
    x = {
        "field": "at",
        "type": "ordinal",
        "scale": {"type": "point", "padding": 0.2},
        "axis": {**axis_of(points, labels), "domain": False},  # the line at nothing is drawn
    }
    axis: dict[str, Any] = {"title": None, "tickCount": 4, "format": ",~f"}
    values = [0.0, *(float(value) for point in points for value in point.values.values() if value is not None)]
    if all(value.is_integer() for value in values) and max(values) - min(values) <= 4:
        axis["values"] = list(range(int(min(values)), int(max(values)) + 1))  # there is no half of a run
    y = {"field": "value", "type": "quantitative", "axis": axis}
    words = {"field": "words", "type": "nominal"}
    layers = [
        {
            "mark": {"type": "rule", "color": ink("idle"), "aria": False},
            "encoding": {"y": {"datum": 0, "type": "quantitative"}},
        },
        {
            "mark": {"type": "line", "strokeWidth": 2, "interpolate": "monotone", "aria": False},
            "encoding": {"x": x, "y": y, "color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 22, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": colour, "description": words},
        },
    ]
    return {**frame(width, height, rows), "layer": layers}
