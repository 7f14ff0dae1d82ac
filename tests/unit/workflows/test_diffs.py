"""Differences of two texts."""

from apps.workflows.diffs import compare


def test_changed_lines_with_their_numbers_and_what_is_around() -> None:
    old = "\n".join(f"line {number}" for number in range(1, 21))
    new = old.replace("line 10", "line ten").replace("line 20", "line 20\nline 21")
    lines = compare(old, new)
    assert [(line.text, line.before, line.after) for line in lines if line.mark == "-"] == [("line 10", 10, None)]
    assert [(line.text, line.before, line.after) for line in lines if line.mark == "+"] == [
        ("line ten", None, 10),
        ("line 21", None, 21),
    ]
    assert next(line.mark for line in lines) == "…"
    assert lines[1].text == "line 6"


def test_the_same_text_has_no_difference() -> None:
    assert compare("a\nb", "a\nb\n") == []


def test_long_texts_of_lines_that_are_alike_are_replaced_as_a_whole():
    old, new = ("\n".join(f"#{number % part}" for number in range(8000)) for part in (7, 5))
    lines = compare(old, new)
    assert [line.mark for line in lines[:2]] == ["-", "-"]
    assert len(lines) == 16_000
    assert compare(old, old) == []
