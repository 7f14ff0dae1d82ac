"""Values in the administration: escaped, cut where they are long, numbered where they are source."""

from apps.core.staff.display import MOST_SHOWN, json_block, link, numbered, tag, text_block

EVIL = "<script>alert(1)</script>"


def test_everything_is_escaped():
    for shown in (json_block({"a": EVIL}), text_block(EVIL), numbered(f"name: {EVIL}"), tag(EVIL), link("/x", EVIL)):
        assert "<script" not in str(shown)
        assert "&lt;" in str(shown)


def test_nothing_is_a_dash():
    assert [json_block(value) for value in (None, {}, [], "")] == ["—"] * 4
    assert text_block("") == "—"


def test_false_and_zero_are_values():
    assert "false" in json_block(False)
    assert "0" in json_block(0)


def test_long_values_are_cut_and_say_so():
    shown = text_block("x" * (MOST_SHOWN + 7))
    assert "7 more characters." in shown
    assert shown.count("x") <= MOST_SHOWN + 10
    assert "more characters." in json_block({"a": f"{EVIL}{'y' * MOST_SHOWN}"})
    assert "<script" not in json_block({"a": f"{EVIL}{'y' * MOST_SHOWN}"})


def test_source_has_a_line_for_each_line():
    source = 'a: 1\n\ntext: |\n  first <b>\n  second\nlast: "x"\n'
    shown = numbered(source)
    assert shown.count("<li>") == 6
    for line in shown.split("<li>")[1:]:
        assert line.count("<span") == line.count("</span"), "no mark runs over the end of a line"
