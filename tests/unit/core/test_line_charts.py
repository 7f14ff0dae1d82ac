"""Lines of amounts: below nothing too, with words on hover and a table of all figures."""

from apps.core.charts import Point, Series
from apps.core.line_charts import lines

SERIES = (Series("earned", "Earned", "ok"), Series("left", "Left", "brand"))
POINTS = [
    Point("1 Mar", "1 March 2026", {"earned": 10.5, "left": -3.25}),
    Point("2 Mar", "2 March 2026", {"earned": 12, "left": 4}),
    Point("3 Mar", "3 March 2026", {"earned": 9}),
]


def test_each_amount_is_said_on_hover_and_in_the_table() -> None:
    chart = lines("Money", POINTS, SERIES)
    assert [name for name, _drawing in chart.drawings] == ["small", "medium", "large"]
    large = chart.drawings[-1][1]
    assert "<title>1 March 2026: Left -3.25</title>" in large
    assert "<title>2 March 2026: Earned 12.00</title>" in large
    assert "3 March 2026: Left" not in large  # a gap
    assert chart.rows == [("1 March 2026", [10.5, -3.25]), ("2 March 2026", [12, 4]), ("3 March 2026", [9, None])]
    assert chart.legend == [("Earned", "ok"), ("Left", "brand")]


def test_colours_are_those_of_the_page() -> None:
    drawing = lines("Money", POINTS, SERIES).drawings[0][1]
    assert "var(--ok)" in drawing
    assert "var(--brand-bar)" in drawing
    assert "#a1000" not in drawing


def test_nothing_to_draw_is_a_chart_still() -> None:
    assert lines("Money", [], SERIES).empty


def test_the_axis_has_whole_numbers() -> None:
    """ "3k" and "0k" of milliseconds have to be guessed."""
    points = [Point("1", "1", {"earned": 40}), Point("2", "2", {"earned": 3_100})]
    drawing = lines("Latency, ms", points, SERIES).drawings[-1][1]
    assert ">3,000<" in drawing
    assert "k<" not in drawing
    counted = lines("Runs", [Point("1", "1", {"earned": 0}), Point("2", "2", {"earned": 1})], SERIES).drawings[-1][1]
    assert ">0.5<" not in counted


def test_what_is_not_known_is_a_gap_too() -> None:
    chart = lines("Money", [*POINTS, Point("4 Mar", "4 March 2026", {"earned": None, "left": 5})], SERIES)
    assert "4 March 2026: Earned" not in chart.drawings[-1][1]
    assert chart.rows[-1] == ("4 March 2026", [None, 5])
