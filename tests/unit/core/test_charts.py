"""Charts: drawn in our colours, the same figures as a table, drawn once."""

import re
from typing import Any

import pytest
from django.conf import settings

from apps.core import charts
from apps.core.charts import Point, Series, stacked_bars

SERIES = (Series("good", "Succeeded", "ok"), Series("bad", "Failed", "bad"))
POINTS = [Point(f"{day} Nov", f"{day} November 2026", {"good": day * 3, "bad": day % 2}) for day in range(1, 31)]


def test_a_chart_is_an_svg_in_variables_with_the_same_figures_as_a_table() -> None:
    chart = stacked_bars("Runs per day", POINTS, SERIES)
    for _size, svg in chart.drawings:
        assert svg.startswith("<svg ")
        assert 'aria-hidden="true"' in svg
        assert "var(--ok)" in svg
        assert "var(--bad)" in svg
        assert "#a1000" not in svg, "a placeholder is left"
        assert not re.search("style=|<script", svg), "the content security policy forbids these"
        assert "<title>30 November 2026: 90 succeeded</title>" in svg
    assert chart.columns == ["Succeeded", "Failed"]
    assert chart.rows[0] == ("1 November 2026", [3, 1])
    assert not chart.empty
    assert stacked_bars("None", [Point("1", "1", {})], SERIES).empty


def test_what_is_not_known_is_a_gap_that_keeps_its_place() -> None:
    known = [Point("W1", "Week 1", {"good": 3}), Point("W2", "Week 2", {"good": 5})]
    unknown = Point("W0", "Week 0", {"good": None})
    chart = stacked_bars("Runs", [unknown, *known], SERIES[:1])
    assert chart.rows == [("Week 0", [None]), ("Week 1", [3]), ("Week 2", [5])]
    drawing = chart.drawings[-1][1]
    assert "Week 0" not in drawing
    assert drawing.count("<title>") == 2
    assert ">W0<" in drawing, "the axis begins there"
    assert not chart.empty
    assert stacked_bars("Runs", [unknown], SERIES[:1]).empty


@pytest.mark.parametrize("tone", sorted(charts.INK.keys() - {"text", "line", "idle"}))
def test_the_legend_in_the_administration_has_the_colour_of_the_bar(tone: str) -> None:
    """What has no rule there is grey, like "idle"."""
    css = (settings.BASE_DIR / "static/css/admin.css").read_text()
    colour = re.escape(charts.INK[tone][1])
    assert re.search(rf"\.key(\.{tone}|:is\([^)]*\.{tone}[,)][^:]*)::before {{ background: {colour}; }}", css)


def test_on_paper_colours_are_fixed() -> None:
    spec = charts._bars(POINTS, SERIES, width=300, height=100, labels=3)
    svg = charts.draw(spec, "paper")
    assert "#13794b" in svg
    assert "var(" not in svg


def test_words_in_a_chart_cannot_become_markup() -> None:
    point = Point("<b>", "<img src=x onerror=alert(1)>", {"good": 1})
    for _size, svg in stacked_bars("x", [point], SERIES).drawings:
        assert "<img" not in svg
        assert "<b>" not in svg


def test_the_same_specification_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    real = charts.vl_convert.vegalite_to_svg
    monkeypatch.setattr(charts.vl_convert, "vegalite_to_svg", lambda text: drawn.append(text) or real(text))
    points = [Point("only here", "only here", {"good": 4})]
    first = stacked_bars("x", points, SERIES)
    assert len(drawn) == len(charts.WIDTHS)
    assert stacked_bars("x", points, SERIES) == first
    assert len(drawn) == len(charts.WIDTHS)


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (4, [0, 2, 4]),
        (14, [0, 5, 10, 15]),
        (90, [0, 50, 100]),
        (1200, [0, 500, 1000, 1500]),
    ],
)
def test_the_axis_counts_in_whole_round_steps(highest: int, ticks: list[int]) -> None:
    assert charts._ticks(highest) == ticks
