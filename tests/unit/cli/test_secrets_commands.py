"""`secrets list|set|delete`: values go in by standard input only and are never printed."""

import json
from typing import Any

import pytest

from tests.common.levqor_api import FakeLevqor

pytestmark = pytest.mark.usefixtures("logged_in")


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("s3cret", "s3cret"),
        ("s3cret\n", "s3cret"),
        ("s3cret\r\n", "s3cret"),
        ("two\nlines\n", "two\nlines"),
        (" x ", " x "),
    ],
)
def test_the_value_comes_from_standard_input(cli: Any, server: FakeLevqor, given: str, stored: str) -> None:
    result = cli("secrets", "set", "API_TOKEN", input=given)
    assert result.exit_code == 0
    assert server.secrets == {"API_TOKEN": stored}
    assert "s3cret" not in result.output


def test_a_value_on_the_command_line_is_refused(cli: Any, server: FakeLevqor) -> None:
    for arguments in (["API_TOKEN", "s3cret"], ["API_TOKEN=s3cret"]):
        assert cli("secrets", "set", *arguments).exit_code == 2
    assert server.requests == []


def test_an_empty_value_changes_nothing(cli: Any, server: FakeLevqor) -> None:
    result = cli("secrets", "set", "API_TOKEN", input="\n")
    assert result.exit_code == 2
    assert "empty" in result.stderr
    assert server.requests == []


def test_list_shows_names_only(cli: Any, server: FakeLevqor) -> None:
    assert "No secrets yet" in cli("secrets", "list").stderr
    server.secrets = {"API_TOKEN": "s3cret"}
    assert cli("secrets", "list").stdout == "API_TOKEN\t2026-11-20T09:00:00Z\n"
    assert cli("secrets", "list", "--quiet").stdout == "API_TOKEN\n"
    assert json.loads(cli("secrets", "list", "--json").stdout)[0]["name"] == "API_TOKEN"


def test_delete_wants_a_word(cli: Any, server: FakeLevqor) -> None:
    server.secrets = {"API_TOKEN": "s3cret"}
    refused = cli("secrets", "delete", "API_TOKEN")
    assert (refused.exit_code, "--yes" in refused.stderr) == (2, True)
    assert cli("secrets", "delete", "API_TOKEN", "--yes").exit_code == 0
    assert server.secrets == {}
    assert cli("secrets", "delete", "API_TOKEN", "--yes").exit_code == 5
