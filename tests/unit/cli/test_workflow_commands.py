"""`workflow validate|push|list|show|diff` from the outside."""

import json
from pathlib import Path
from typing import Any

import pytest
from levqor_cli.credentials import CredentialStore
from levqor_cli.definitions import slug_of

from tests.common.levqor_api import FakeLevqor, problem

SOURCE = "name: Order intake\nsteps:\n  - {id: fetch, type: htp}\n"

pytestmark = pytest.mark.usefixtures("logged_in")


@pytest.fixture
def file(surroundings: Path) -> Path:
    path = surroundings / "intake.yaml"
    path.write_text(SOURCE)
    return path


ERROR = {"line": 3, "column": 22, "path": "steps[0].type", "message": "unknown type 'htp'", "expected": "http"}


def test_validation_errors_read_like_a_compilers(cli: Any, server: FakeLevqor, file: Path) -> None:
    server.invalid = [ERROR, {"line": None, "column": None, "path": "", "message": "too long", "expected": None}]
    result = cli("workflow", "validate", file.name)
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [
        "intake.yaml:3:22: unknown type 'htp' (expected http)",
        "    3 │   - {id: fetch, type: htp}",
        "      │                      ^",
        "intake.yaml:1:1: too long",
    ]
    assert "intake.yaml: 2 errors" in result.stderr


def test_the_caret_stands_below_the_column(cli: Any, server: FakeLevqor, surroundings: Path) -> None:
    (surroundings / "plain.yaml").write_text("name: x\nsteps: [{id: a, type: htp}]\n")
    server.invalid = [{**ERROR, "line": 2, "column": 23}]
    shown = cli("workflow", "validate", "plain.yaml").stdout.splitlines()
    assert shown[2].index("^") == shown[1].index("htp")


def test_a_valid_file(cli: Any, server: FakeLevqor, file: Path) -> None:
    result = cli("workflow", "validate", file.name)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "intake.yaml is valid" in result.stderr
    assert (
        server.calls("POST", "/workflows/validate")[0].content
        == json.dumps({"source": SOURCE}, separators=(",", ":")).encode()
    )


def test_validation_as_json(cli: Any, server: FakeLevqor, file: Path) -> None:
    assert json.loads(cli("workflow", "validate", file.name, "--json").stdout)["valid"] is True
    server.invalid = [ERROR]
    result = cli("--json", "workflow", "validate", file.name)
    assert result.exit_code == 3
    assert json.loads(result.stdout) == {"file": "intake.yaml", "valid": False, "errors": [ERROR]}


def test_a_definition_from_standard_input(cli: Any, server: FakeLevqor) -> None:
    server.invalid = [ERROR]
    assert cli("workflow", "validate", "-", input=SOURCE).stdout.startswith("<stdin>:3:22: ")


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [("missing.yaml", None, 2), (".", None, 2), ("latin.yaml", b"name: caf\xe9", 3), ("big.yaml", b"x" * 5_000_001, 2)],
)
def test_files_that_cannot_be_read(
    cli: Any, server: FakeLevqor, surroundings: Path, name: str, data: bytes | None, code: int
) -> None:
    if data is not None:
        (surroundings / name).write_bytes(data)
    result = cli("workflow", "validate", name)
    assert result.exit_code == code
    assert name in result.stderr
    assert server.requests == []


def test_push_creates_then_publishes_then_says_unchanged(cli: Any, server: FakeLevqor, file: Path) -> None:
    assert "Created workflow order-intake, version 1" in cli("workflow", "push", file.name).stderr
    unchanged = cli("workflow", "push", file.name)
    assert (unchanged.exit_code, len(server.versions["order-intake"])) == (0, 1)
    assert "order-intake is unchanged, version 1" in unchanged.stderr
    file.write_text(SOURCE.replace("\n", "  \r\n"))
    assert "unchanged" in cli("workflow", "push", file.name).stderr
    file.write_text(SOURCE + "output: done\n")
    assert "Published order-intake version 2" in cli("workflow", "push", file.name, "-m", "Add output").stderr
    assert server.versions["order-intake"][1]["message"] == "Add output"
    assert all(
        call.headers["idempotency-key"]
        for call in server.requests
        if call.method == "POST" and not call.url.path.endswith("/validate")
    )


def test_push_as_json(cli: Any, server: FakeLevqor, file: Path) -> None:
    result = cli("workflow", "push", file.name, "--json")
    answer = json.loads(result.stdout)
    assert result.stderr == ""
    assert (answer["outcome"], answer["version"], answer["workflow"]["slug"]) == ("created", 1, "order-intake")


def test_quiet_says_nothing_but_errors(cli: Any, server: FakeLevqor, file: Path) -> None:
    assert cli("workflow", "push", file.name, "--quiet").output == ""
    assert cli("-q", "workflow", "show", "none").stderr.startswith("✗ There is no workflow none.")


def test_push_to_a_named_workflow_never_creates_one(cli: Any, server: FakeLevqor, file: Path) -> None:
    result = cli("workflow", "push", file.name, "--workflow", "other")
    assert result.exit_code == 5
    assert "There is no workflow other." in result.stderr
    server.add_workflow("other")
    assert "Published other version 1" in cli("workflow", "push", file.name, "--workflow", "other").stderr


def test_push_stops_at_an_invalid_file(cli: Any, server: FakeLevqor, file: Path) -> None:
    server.invalid = [ERROR]
    assert cli("workflow", "push", file.name).exit_code == 3
    assert server.workflows == {}


def test_push_without_a_name(cli: Any, server: FakeLevqor, surroundings: Path) -> None:
    (surroundings / "nameless.yaml").write_text("steps: []\n")
    result = cli("workflow", "push", "nameless.yaml")
    assert result.exit_code == 3
    assert "no readable name" in result.stderr


def test_push_without_permission(cli: Any, server: FakeLevqor, file: Path) -> None:
    server.failures = [problem(403, "permission_denied", "Your role may not publish workflows.")]
    result = cli("workflow", "push", file.name)
    assert result.exit_code == 4
    assert result.stderr.splitlines() == ["✗ Your role may not publish workflows."]


def test_list(cli: Any, server: FakeLevqor) -> None:
    assert "No workflows yet" in cli("workflow", "list").stderr
    server.add_workflow("order-intake", "a", "b", name="Order\tintake")
    server.add_workflow("nightly", "a")
    assert cli("workflow", "list").stdout.splitlines() == [
        "order-intake\tOrder intake\t2\t2026-11-20T09:00:00Z",
        "nightly\tNightly\t1\t2026-11-20T09:00:00Z",
    ]
    assert cli("workflow", "list", "-q").stdout == "order-intake\nnightly\n"
    assert [entry["slug"] for entry in json.loads(cli("workflow", "list", "--json").stdout)] == [
        "order-intake",
        "nightly",
    ]


def test_show(cli: Any, server: FakeLevqor) -> None:
    server.add_workflow("intake", "name: one\n", "name: two")
    assert cli("workflow", "show", "intake").stdout == "name: two\n"
    assert cli("workflow", "show", "intake@1").stdout == "name: one\n"
    assert cli("workflow", "show", "intake@v1").stdout == "name: one\n"
    assert cli("workflow", "show", "intake@9").exit_code == 5
    assert cli("workflow", "show", "nothing").exit_code == 5
    assert cli("workflow", "show", "../me").exit_code == 2


def test_diff_of_a_file_is_what_a_push_would_change(cli: Any, server: FakeLevqor, surroundings: Path) -> None:
    server.add_workflow("order-intake", "name: Order intake\nsteps: []", "name: Order intake\nsteps: [a]")
    (surroundings / "new.yaml").write_text("name: Order intake\nsteps: [b]\n")
    expected = ["--- order-intake@2", "+++ new.yaml", "@@ -1,2 +1,2 @@", " name: Order intake"]
    assert cli("workflow", "diff", "new.yaml").stdout.splitlines() == [*expected, "-steps: [a]", "+steps: [b]"]
    assert cli("workflow", "diff", "new.yaml", "order-intake@1").stdout.splitlines()[-2:] == [
        "-steps: []",
        "+steps: [b]",
    ]
    assert cli("workflow", "diff", "order-intake@1", "new.yaml").stdout.splitlines()[0] == "--- order-intake@1"


def test_diff_of_versions(cli: Any, server: FakeLevqor) -> None:
    server.add_workflow("intake", "a: 1\n", "a: 2\n", "a: 3\n")
    assert cli("workflow", "diff", "intake@1").stdout.splitlines()[-2:] == ["-a: 1", "+a: 3"]
    assert cli("workflow", "diff", "intake@2", "intake@1").stdout.splitlines()[-2:] == ["-a: 2", "+a: 1"]
    same = cli("workflow", "diff", "intake@3")
    assert (same.exit_code, same.stdout) == (0, "")
    assert "the same" in same.stderr
    assert json.loads(cli("workflow", "diff", "intake@1", "--json").stdout)["changed"] is True


def test_slugs_are_those_of_the_server() -> None:
    assert slug_of("Order intake") == "order-intake"
    assert slug_of("  Café — Crème (2nd)! ") == "cafe-creme-2nd"
    assert slug_of("a_b  c--d") == "a_b-c-d"
    assert slug_of("日本") == "workflow"
    assert slug_of("x" * 200) == "x" * 80


def test_a_definition_may_name_its_slug(cli: Any, server: FakeLevqor, surroundings: Path) -> None:
    server.add_workflow("intake")
    (surroundings / "intake.yaml").write_text("name: Order intake\nslug: intake\nsteps: []\n")
    assert "Published intake version 1" in cli("workflow", "push", "intake.yaml").stderr


def test_a_definition_cannot_steer_the_terminal(
    cli: Any, server: FakeLevqor, logged_in: CredentialStore, surroundings: Path
) -> None:
    del logged_in
    server.invalid = [{**ERROR, "line": 1, "message": "bad \x1b[2Jvalue"}]
    (surroundings / "x.yaml").write_text("name: \x1b]0;owned\x07\n")
    assert "\x1b" not in cli("workflow", "validate", "x.yaml").output
