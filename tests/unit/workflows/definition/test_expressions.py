"""JMESPath as customers may use it: like the library's, but never without end."""

import time

import jmespath
import pytest

from apps.workflows.definition.expressions import ExpressionError, compiled

DATA = {
    "orders": [{"id": n, "total": n * 50, "tags": ["a", str(n)], "who": {"name": f"n{n}"}} for n in range(20)],
    "text": "abc",
}


@pytest.mark.parametrize(
    "text",
    [
        "orders[?total > `300`].{id: id, who: who.name}",
        "orders[].tags[]",
        "sort_by(orders, &total)[-3:].id",
        "join(', ', orders[*].who.name)",
        "orders[?contains(tags, '3')] | [0]",
        "map(&to_string(@), orders[*].id)",
        "orders[?who == {name: 'n3'}].id || 'none'",
        "length(orders) > `5` && !missing",
        "merge(orders[0], {a: `1`})",
        "*.length(@)",
        "reverse(text)",
    ],
)
def test_finds_what_the_library_finds(text):
    assert compiled(text).search(DATA) == jmespath.search(text, DATA)


@pytest.mark.parametrize(
    "bomb",
    [
        "[@,@]" + "|[@,@][]" * 200,
        "'ab'" + "|join('',[@,@])" * 120,
        "[@,@]" + "|[@,@]" * 55,
        "[@,@]" + "|{a:@,b:@}" * 55,
        "[`1`,`2`]" + "|[@,@][]" * 21 + "|join(@, [to_string(@)])",
        "to_string([" * 20 + '\'""""\'' + "])" * 20,
        "orders" + "|[@,@][]" * 12 + "|[?contains(join('',[].who.name), 'x')]",
    ],
    ids=lambda text: text[:24],
)
def test_what_would_grow_without_end_is_stopped(bomb):
    began = time.process_time()
    with pytest.raises(ExpressionError):
        compiled(bomb[:2000].rsplit("|", 1)[0] if len(bomb) > 2000 else bomb).search(DATA)
    assert time.process_time() - began < 20


def test_a_join_is_refused_before_it_is_made():
    with pytest.raises(ExpressionError, match="too large"):
        compiled("join(@[0], @[1])").search(["x" * 100_000, ["y"] * 1000])


def test_comparing_costs():
    rows = {"all": [{"k": list(range(1000))} for _ in range(3000)], "one": list(range(1000))}
    with pytest.raises(ExpressionError, match="too much work"):
        compiled("all[?k == `" + str(list(range(300))) + "` || k == k || k == k || k == k || k == k]").search(
            {"all": rows["all"] * 30}
        )


@pytest.mark.parametrize("text", ["[" * 500, "!" * 1500 + "a", "(" * 900, "a" + "|a" * 80])
def test_deep_expressions_are_refused(text):
    with pytest.raises(ExpressionError):
        compiled(text).search({})


def test_an_expression_alone_is_no_value():
    with pytest.raises(ExpressionError, match="no JSON"):
        compiled("&a").search({"a": 1})


def test_the_functions_own_errors_are_told():
    with pytest.raises(ExpressionError, match="length"):
        compiled("length(a)").search({"a": 1})


@pytest.mark.parametrize(
    "text", ["a[::0]", "floor(to_number('nan'))", "ceil(to_number('nan'))", "ceil(to_number('inf'))"]
)
def test_values_that_the_library_trips_over_are_told(text):
    with pytest.raises(ExpressionError):
        compiled(text).search({"a": [1]})


def test_ones_own_refusals_keep_their_words():
    with pytest.raises(ExpressionError, match=r"^The expression finds no JSON value\.$") as caught:
        compiled("&a").search({})
    assert caught.value.__cause__ is None
