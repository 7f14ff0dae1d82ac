"""JSON that databases take."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.json_values import MAX_DEPTH, is_storable, is_too_deep, storable

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize("value", ["a\0b", {"k\0": 1}, ["\ud800"], float("nan"), {"x": [float("inf")]}])
def test_what_no_database_takes_is_noticed_and_mended(value):
    assert not is_storable(value)
    assert is_storable(storable(value))


def test_what_only_looks_like_it_is_left_alone():
    for value in ("\\u0000", {"a": "\\u0000"}, "😀", [1, 2.5, None, True]):
        assert storable(value) is value


@given(ANYTHING)
def test_whatever_comes_ends_up_storable(value):
    json.dumps(storable(value), allow_nan=False).encode()
    assert is_storable(storable(value))


def nested(depth: int, left: str = '{"a":[', right: str = "]}") -> bytes:
    return (left * (depth // 2) + right * (depth // 2)).encode()


@pytest.mark.parametrize(
    ("document", "deep"),
    [
        (nested(MAX_DEPTH), False),
        (nested(MAX_DEPTH + 2), True),
        (b"[" * 100_000, True),
        (b"[" + b"[]," * 500 + b"[]]", False),
        (json.dumps(["[" * 200, '"' + "{" * 200, "\\" * 3 + '"' + "[" * 101]).encode(), False),
        (b'["' + b"[" * 200, False),
        (b"[" * 200 + b'"', True),
        (b'["a\\', False),
    ],
    ids=["deep enough", "too deep", "no end", "wide", "in texts", "in a text without an end", "before it", "cut off"],
)
def test_depth_is_seen_in_the_text(document: bytes, deep: bool) -> None:
    assert is_too_deep(document) is deep


@pytest.mark.parametrize("start", [b"[" * 101, b"[]" * 101 + b"{" * 99], ids=["deep", "wide"])
def test_texts_without_an_end_are_read_once(start: bytes) -> None:
    """From each quote to the end would be minutes for these; once is a fraction of a second."""
    for rest in (b'\\"' * 60_000, b'"' + b'\\"' * 60_000, b'"\\' * 60_000):
        began = time.process_time()
        is_too_deep(start + rest)
        assert time.process_time() - began < 5
