"""The inputs of a run, as options and as a file."""

from pathlib import Path
from typing import Any

import pytest
from levqor_cli.errors import CliError
from levqor_cli.inputs import gather_inputs, parse_pair


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ("name=Ada", ("name", "Ada")),
        ("count=5", ("count", "5")),
        ("count:=5", ("count", 5)),
        ("empty=", ("empty", "")),
        ("url=https://example.com/?a=b", ("url", "https://example.com/?a=b")),
        ("note=a:=b", ("note", "a:=b")),
        ("items:=[1, true, null]", ("items", [1, True, None])),
        ("text=two\nlines", ("text", "two\nlines")),
        ("nested.name-1=x", ("nested.name-1", "x")),
    ],
)
def test_pairs(pair: str, expected: tuple[str, Any]) -> None:
    assert parse_pair(pair) == expected


@pytest.mark.parametrize("pair", ["name", "=x", "", "9=x", "a:=", "a:={", "a:=NaN", "a:=hello"])
def test_pairs_that_say_nothing_are_refused(pair: str) -> None:
    with pytest.raises(CliError):
        parse_pair(pair)


def test_options_go_before_the_file(surroundings: Path) -> None:
    (surroundings / "inputs.yaml").write_text("customer: Ada\ncount: 3\n")
    assert gather_inputs(["count:=5"], "inputs.yaml") == {"customer": "Ada", "count": 5}


def test_an_input_given_twice_is_a_mistake() -> None:
    with pytest.raises(CliError, match="twice"):
        gather_inputs(["a=1", "a=2"], None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a list", "must be an object"),
        ("a: [", "line 1, column 5|line 2"),
        ("when: 2026-11-20", "not JSON serializable"),
        ("1: one", "must be an object"),
        ("a: .nan", "JSON compliant"),
    ],
)
def test_files_that_hold_no_inputs(surroundings: Path, text: str, message: str) -> None:
    (surroundings / "inputs.yaml").write_text(text)
    with pytest.raises(CliError, match=message):
        gather_inputs([], "inputs.yaml")


def test_an_empty_file_and_a_missing_one(surroundings: Path) -> None:
    (surroundings / "empty.json").write_text("")
    assert gather_inputs([], "empty.json") == {}
    with pytest.raises(CliError, match="No such file"):
        gather_inputs([], "missing.json")
