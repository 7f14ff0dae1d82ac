"""Charts as SVG: Vega-Lite specifications drawn by vl-convert in our colours, with the same figures as a table.

On pages colours are CSS variables, so that one drawing serves light and dark. On paper they are fixed colours.
"""

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import vl_convert
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

Tone = Literal["brand", "ok", "bad", "wait", "go", "idle", "hue-1", "hue-2", "hue-3", "hue-4", "hue-5"]
Medium = Literal["page", "paper"]
Text = str | Promise

KEPT = 256  # drawings in memory, some 20 kB each

# What the specification says → (on a page, on paper). The specification's own colours are only placeholders.
INK: dict[str, tuple[str, str, str]] = {
    "brand": ("#a10001", "var(--brand-bar)", "#4338ca"),
    "ok": ("#a10002", "var(--ok)", "#13794b"),
    "bad": ("#a10003", "var(--bad)", "#b42318"),
    "wait": ("#a10004", "var(--warn)", "#8a5a00"),
    "go": ("#a10005", "var(--info)", "#175cd3"),
    "idle": ("#a10006", "var(--line-strong)", "#bcc2cc"),
    # Without meaning of their own, to tell things apart that are alike.
    "hue-1": ("#a10009", "var(--brand-bar)", "#4338ca"),
    "hue-2": ("#a1000a", "var(--hue-2)", "#0e8a8c"),
    "hue-3": ("#a1000b", "var(--hue-3)", "#c2720a"),
    "hue-4": ("#a1000c", "var(--hue-4)", "#c0407f"),
    "hue-5": ("#a1000d", "var(--hue-5)", "#3f7fbf"),
    "text": ("#a10007", "var(--muted)", "#5b6472"),
    "line": ("#a10008", "var(--line)", "#e3e5e9"),
}
# (class of components/chart.html, width, height in pixels, labels on the x axis)
WIDTHS = (("small", 320, 140, 3), ("medium", 560, 160, 5), ("large", 900, 190, 8))
PAPER = (660, 150, 10)
LABELLED = re.compile(r'<path aria-label="([^"]*)"([^>]*)/>')


@dataclass(frozen=True)
class Series:
    """One colour of a chart: the key in each point's values, its words, its meaning.

    `said` is what a bar is called on hover ("20 March 2026: 4 …"), where that is not the label.
    """

    key: str
    label: Text
    tone: Tone
    said: Text = ""


@dataclass(frozen=True)
class Point:
    """One place on the x axis: `label` under the bar, `title` in the table and on hover.

    A value that is None is not known: a gap, and a dash in the table. In bars, one that is left out is zero.
    """

    label: str
    title: str
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class Chart:
    """A drawn chart for `components/chart.html`: for three widths, a legend and the table of its figures."""

    title: Text
    drawings: list[tuple[str, SafeString]]
    legend: list[tuple[Text, Tone]]
    columns: list[Text]
    rows: list[tuple[str, list[float | None]]]

    @property
    def empty(self) -> bool:
        """Whether there is nothing but zeros, and gaps."""
        return not any(value for _title, values in self.rows for value in values)


def stacked_bars(title: Text, points: Sequence[Point], series: Sequence[Series]) -> Chart:
    """Bars over time, one for each point, stacked in the order of `series`."""
    return Chart(
        title=title,
        drawings=[
            (name, draw(_bars(points, series, width=width, height=height, labels=labels)))
            for name, width, height, labels in WIDTHS
        ],
        legend=[(one.label, one.tone) for one in series],
        columns=[one.label for one in series],
        rows=[(point.title, [point.values.get(one.key, 0) for one in series]) for point in points],
    )


def paper_bars(points: Sequence[Point], series: Sequence[Series]) -> str:
    """The same bars for a PDF: an address that holds the drawing itself, for `<img>`."""
    svg = draw(_bars(points, series, width=PAPER[0], height=PAPER[1], labels=PAPER[2]), "paper")
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def draw(spec: Mapping[str, Any], medium: Medium = "page") -> SafeString:
    """The SVG of a Vega-Lite specification whose colours are `ink(…)`; each is drawn once per process."""
    return _drawn(json.dumps(spec, sort_keys=True, default=str), medium)


@lru_cache(maxsize=KEPT)
def _drawn(spec: str, medium: Medium) -> SafeString:
    # Safe: drawn by us, and every text in it went through Vega's own escaping.
    return mark_safe(_coloured(vl_convert.vegalite_to_svg(spec), medium))  # noqa: S308


def ink(name: str) -> str:
    """The placeholder that a specification names a colour by."""
    return INK[name][0]


def _coloured(svg: str, medium: Medium) -> str:
    for placeholder, variable, fixed in INK.values():
        svg = svg.replace(placeholder, variable if medium == "page" else fixed)
    # What Vega says about each bar becomes the words shown on hover; the table beside it serves screen readers.
    svg = LABELLED.sub(lambda found: f"<path{found[2]}><title>{found[1]}</title></path>", svg)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def _bars(points: Sequence[Point], series: Sequence[Series], *, width: int, height: int, labels: int) -> dict[str, Any]:
    rows = [
        {
            "at": index,
            "order": order,
            "series": one.key,
            "value": value,
            "words": _("%(when)s: %(count)s %(what)s")
            % {
                "when": point.title,
                "count": f"{value:,}",
                "what": one.said or str(one.label).lower(),
            },
        }
        for index, point in enumerate(points)
        for order, one in enumerate(series)
        if (value := point.values.get(one.key, 0)) is not None and (order == 0 or value)
    ]
    stacks = [[point.values.get(one.key) or 0 for one in series] for point in points]
    ticks = _ticks(
        max((sum(value for value in stack if value > 0) for stack in stacks), default=0),
        min((sum(value for value in stack if value < 0) for stack in stacks), default=0),
    )
    encoding = {
        "x": {
            "field": "at",
            "type": "ordinal",
            # All points, those of which nothing is drawn too.
            "scale": {"paddingInner": 0.28, "paddingOuter": 0.1, "domain": list(range(len(points)))},
            "axis": axis_of(points, labels),
        },
        "y": {
            "field": "value",
            "type": "quantitative",
            "axis": {"title": None, "values": ticks, "format": "~s"},
            "scale": {"domain": [ticks[0], ticks[-1]]},
        },
        "color": colours_of(series),
        "order": {"field": "order", "type": "quantitative"},
        "description": {"field": "words", "type": "nominal"},
    }
    return {**frame(width, height, rows), "mark": {"type": "bar"}, "encoding": encoding}


def frame(width: int, height: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What every drawing has: its size, its data, its type and lines."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": width,
        "height": height,
        "background": None,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 2, "right": 6, "top": 6, "bottom": 2},
        "data": {"values": rows},
        "config": {
            "font": "system-ui, sans-serif",
            "view": {"stroke": None},
            "axis": {
                "labelColor": ink("text"),
                "labelFontSize": 11,
                "labelPadding": 6,
                "domain": False,
                "ticks": False,
            },
            "axisY": {"gridColor": ink("line"), "labelPadding": 8},
            "axisX": {"grid": False, "domain": True, "domainColor": ink("line"), "labelOverlap": True},
        },
    }


def axis_of(points: Sequence[Point], labels: int) -> dict[str, Any]:
    """The x axis: about so many of the points' labels, the newest always."""
    every = max(1, round(len(points) / labels))
    shown = [index for index in range(len(points)) if (len(points) - 1 - index) % every == 0]
    names = json.dumps([point.label for point in points])
    return {"title": None, "values": shown, "labelExpr": f"{names}[datum.value]", "labelAngle": 0}


def colours_of(series: Sequence[Series]) -> dict[str, Any]:
    """Each series in its tone."""
    return {
        "field": "series",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": [one.key for one in series], "range": [ink(one.tone) for one in series]},
    }


def _ticks(highest: float, lowest: float = 0) -> list[int]:
    """Two to five whole numbers from 0, or less, to at least `highest`, in round steps."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if size * factor * 3 >= max(highest, -lowest):
                step = size * factor
                return list(range(int(lowest // step) * step, max(step, -int(-highest // step) * step) + 1, step))
        size *= 10
