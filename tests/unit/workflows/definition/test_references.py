"""Look-ups: what they find, what they refuse."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.workflows.definition import references as r

CONTEXT = {"inputs": {"a": [1, {"b": "x"}], "n": 3, "key with space": 1}, "steps": {"s": {"output": None}}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ inputs.a }}", [1, {"b": "x"}]),
        ("  {{inputs.a[1].b}} ", "x"),
        ('{{ inputs["key with space"] }}', 1),
        ("n={{ inputs.n }}, b={{ inputs.a[1].b }}", "n=3, b=x"),
        ("{{ inputs.a[1] }}!", '{"b": "x"}!'),
        ("{{ steps.s.output }}", None),
        ("\\{{ literal }}", "{{ literal }}"),
        ("no reference", "no reference"),
    ],
)
def test_render(text, value):
    assert r.render(text, CONTEXT) == value


def test_render_goes_through_mappings_and_lists():
    assert r.render({"a": ["{{ inputs.n }}", 1], "b": {"c": "{{ inputs.n }}"}}, CONTEXT) == {"a": [3, 1], "b": {"c": 3}}


@pytest.mark.parametrize("text", ["{{ inputs.zzz }}", "{{ inputs.a[7] }}", "{{ inputs.n.x }}", "{{ nope }}"])
def test_a_missing_value_is_told(text):
    with pytest.raises(r.UnresolvedReferenceError):
        r.render(text, CONTEXT)
    assert r.render_lenient(text, CONTEXT) is None


@pytest.mark.parametrize(
    "text", ["1+1", "a b", "a.", ".a", "[0]", "a[-1]", "a()", "__import__('os')", "a|upper", "", "a..b", "a[0"]
)
def test_only_look_ups_parse(text):
    with pytest.raises(r.ReferenceSyntaxError):
        r.parse(text)


def test_values_are_not_rendered_again():
    assert r.render("{{ inputs.t }}", {"inputs": {"t": "{{ secrets.x }}"}}) == "{{ secrets.x }}"


@given(st.text(max_size=80))
def test_any_text_parses_or_is_refused(text):
    with contextlib.suppress(r.ReferenceSyntaxError):
        assert r.parse(text).parts
