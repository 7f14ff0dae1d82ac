"""Text to data: what is read, and what is refused at its exact place."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.workflows import limits
from apps.workflows.definition.source import SourceError, dotted, read


def problem(text):
    with pytest.raises(SourceError) as caught:
        read(text)
    return caught.value.problem


def test_scalars_are_jsons_and_nothing_more():
    data = read("a: 1\nb: -2.5\nc: true\nd: null\ne: 2026-01-01\nf: yes\ng: 010\nh: '1'\ni: 1e3\nj: 0x10\nk: .5").data
    assert data == {
        "a": 1, "b": -2.5, "c": True, "d": None, "e": "2026-01-01", "f": "yes", "g": "010", "h": "1", "i": 1000.0,
        "j": "0x10", "k": 0.5,
    }  # fmt: skip


def test_positions_point_at_keys_and_items():
    document = read("name: x\nsteps:\n  - id: a\n    type: http\n")
    assert document.locate(("steps", 0, "type")) == (4, 5)
    assert document.locate(("steps", 0, "missing")) == (3, 5)


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a: &x 1\nb: *x", 1, 4, "anchors"),
        ("a: !!python/object:os.system x", 1, 4, "tags"),
        ("a: 1\n---\nb: 2", 2, 1, "second document"),
        ("a: 1\na: 2", 2, 1, "twice"),
        ("a: [1, 2", 2, 1, "not valid YAML"),
        ("? [a]\n: b", 1, 3, "key must be text"),
        ("", 1, 1, "empty"),
        ("a: 1e999", 1, 4, "too large"),
        ("a:\n\t- b", 2, 1, "not valid YAML"),
    ],
)
def test_refuses_at_the_exact_place(text, line, column, says):
    found = problem(text)
    assert (found.line, found.column) == (line, column)
    assert says in found.message


def test_depth_and_size_are_capped_before_anything_is_built():
    assert "too deeply" in problem("[" * 5000).message
    assert "bytes" in problem("a: " + "x" * limits.SOURCE_BYTES).message


def test_a_billion_laughs_are_refused():
    bomb = "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n"
    assert "anchors" in problem(bomb).message


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**15), 10**15)
        | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_json_reads_as_itself(value):
    assert read(json.dumps({"v": value})).data == {"v": value}


@given(st.text(max_size=300))
def test_no_text_ever_breaks_the_reader(text):
    with contextlib.suppress(SourceError):
        assert read(text).positions is not None


def test_dotted():
    assert dotted(("steps", 0, "with", "url")) == "steps[0].with.url"
    assert dotted(()) == "$"
