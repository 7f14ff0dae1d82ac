"""Text that is safe to print; times and durations people read."""

from datetime import UTC, datetime, timedelta

import pytest
from levqor_cli.text import ago, duration, one_line, parse_span, parse_time, printable

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def test_nothing_from_a_server_steers_the_terminal() -> None:
    hostile = "a\x1b[2Jb\x07c\x9b31md\u202ee\rf"
    assert printable(hostile) == "a�[2Jb�c�31md�e�f"
    assert printable("two\nlines\tand ünïcödé 日本") == "two\nlines\tand ünïcödé 日本"


def test_one_line() -> None:
    assert one_line("a\n  b\tc") == "a b c"
    assert one_line("x" * 200, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (None, ""),
        (0, "0 ms"),
        (412.4, "412 ms"),
        (4200, "4.2 s"),
        (59_940, "59.9 s"),
        (59_990, "1 min 00 s"),
        (185_000, "3 min 05 s"),
        (7_620_000, "2 h 07 min"),
        (273_600_000, "3 d 04 h"),
    ],
)
def test_durations(milliseconds: float | None, expected: str) -> None:
    assert duration(milliseconds) == expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=45), "45 s ago"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=9), "9 days ago"),
        (timedelta(days=90), "2026-08-22"),
        (timedelta(minutes=-5), "in 5 min 00 s"),
    ],
)
def test_relative_times(monkeypatch: pytest.MonkeyPatch, before: timedelta, expected: str) -> None:
    monkeypatch.setattr("levqor_cli.clock.now", lambda: NOW)
    assert ago(NOW - before) == expected


def test_times_of_the_api() -> None:
    assert parse_time("2026-11-20T09:00:00Z") == NOW
    assert parse_time("2026-11-20T09:00:00") == NOW
    assert parse_time("yesterday") is None
    assert parse_time(None) is None


def test_spans() -> None:
    assert [parse_span(text) for text in ("90", "90s", "5m", "1h30m", "2d", "500ms")] == [
        90,
        90,
        300,
        5400,
        172800,
        0.5,
    ]
    for text in ("", "soon", "5x", "-5s", "5m!"):
        with pytest.raises(ValueError, match="no duration"):
            parse_span(text)
