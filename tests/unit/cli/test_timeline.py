"""The picture of a run: a tree with states in words, bounded in height, calm with many siblings."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from levqor_cli.follow import Snapshot
from levqor_cli.timeline import picture
from levqor_cli.wire import Run, Step
from rich.console import Console

from tests.common.levqor_api import run_document, step_document

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("levqor_cli.clock.now", lambda: NOW)


def draw(run: dict[str, Any], *steps: dict[str, Any], width: int = 100, **options: Any) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(picture(Snapshot(Run.parse(run), tuple(Step.parse(step) for step in steps)), **options))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def later(seconds: float) -> str:
    return (NOW + timedelta(seconds=seconds)).isoformat()


def test_a_run_to_its_end() -> None:
    lines = draw(
        run_document(state="succeeded", duration_ms=8421, version=3),
        step_document("fetch", "succeeded", name="Fetch orders", duration_ms=412, attempt=2),
        step_document("each", "succeeded", type="foreach", duration_ms=1830),
        step_document("note", "skipped", type="email"),
        step_document("each[0].call", "succeeded", name="Call", duration_ms=90),
        step_document(
            "each[1].call", "failed", name="Call", duration_ms=91, error={"code": "x", "message": "HTTP 500"}
        ),
    )
    assert lines == [
        "Order intake v3  run_00000000000000000000000001",
        "",
        "✓ Fetch orders  http     412 ms  2 attempts",
        "✓ each          foreach   1.8 s",
        "  ✓ Call [0]    http      90 ms",
        "  ✗ Call [1]    http      91 ms  HTTP 500",
        "↷ note          email",
        "",
        "✓ Succeeded in 8.4 s",
    ]


def test_what_a_step_waits_for() -> None:
    asked = {"message": "Ship it?", "roles": ["owner", "admin"]}
    lines = draw(
        run_document(state="waiting", started_at=later(-60)),
        step_document(
            "call",
            "waiting",
            waiting_for="retry",
            due_at=later(3),
            attempt=2,
            error={"code": "x", "message": "HTTP 503"},
        ),
        step_document("pause", "waiting", type="delay", waiting_for="delay", due_at=later(90)),
        step_document("child", "waiting", type="subflow", waiting_for="subflow"),
        step_document("ok", "waiting", type="approval", waiting_for="approval", due_at=later(7200), approval=asked),
        step_document("now", "running", started_at=later(-2)),
    )
    assert lines[2:8] == [
        "◷ call   http             retry in 3 s · attempt 2 · HTTP 503",
        "◷ pause  delay            goes on in 1 min 30 s",
        "◷ child  subflow          waiting for its subflow",
        "◷ ok     approval         waiting for owner or admin to approve: Ship it? (within 2 h 00 min)",
        "▶ now    http      2.0 s",
        "",
    ]
    assert lines[8] == "◷ Waiting for approval for 1 min 00 s"


def test_many_siblings_are_summed_up_and_failures_shown() -> None:
    turns = [step_document(f"each[{n}].call", "failed" if n == 70 else "succeeded") for n in range(100)]
    lines = draw(run_document(state="running"), step_document("each", "running", type="foreach"), *turns)
    assert len(lines) == 7
    assert lines[3].split()[:2] == ["✗", "each[70].call"]
    assert lines[4].strip() == "and 99 succeeded"
    assert len(draw(run_document(state="running"), *turns, crowd=10_000)) == 104


def test_a_low_terminal_shows_what_happens_now() -> None:
    steps = [step_document(f"s{n}", "succeeded") for n in range(10)] + [step_document("last", "running")]
    lines = draw(run_document(state="running"), *steps, moving=True, height=10)
    assert len(lines) <= 10
    assert "7 more above" in lines[2]
    assert "last" in lines[6]


def test_without_unicode_only_ascii_is_drawn() -> None:
    steps = [step_document(state, state) for state in ("succeeded", "failed", "running", "skipped", "cancelled")]
    text = "".join(draw(run_document(state="running"), *steps, unicode=False))
    assert text.isascii()


def test_names_from_the_server_cannot_steer_the_terminal() -> None:
    lines = draw(
        run_document(workflow={"name": "a\x1b[2J", "slug": "a"}),
        step_document("x", "failed", name="[red]x\x1b[31m", error={"message": "\x1b]0;t\x07"}),
    )
    assert "\x1b" not in "".join(lines)
    assert "[red]x" in lines[2]


def test_a_lost_connection_is_said() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(picture(Snapshot(Run.parse(run_document(state="running")), (), "Cannot reach it")))
    assert isinstance(console.file, io.StringIO)
    assert "connection lost, trying again" in console.file.getvalue()


def test_a_note_without_room_stands_below_its_step() -> None:
    asked = {"message": "person@example.com asks for 80 seats. Open a ticket with priority?", "roles": ["owner"]}
    steps = [
        step_document("lead", "succeeded", name="Take the lead from the webhook or from the inputs", duration_ms=3),
        step_document("ok", "waiting", type="approval", waiting_for="approval", due_at=later(7200), approval=asked),
    ]
    lines = draw(run_document(state="waiting"), *steps, width=80)
    assert lines[2:6] == [
        "✓ Take the lead from the webhook or from the inpu…  http      3 ms",
        "◷ ok                                                approval",
        "  waiting for owner to approve: person@example.com asks for 80 seats. Open a",
        "  ticket with priority? (within 2 h 00 min)",
    ]
    moving = draw(run_document(state="waiting"), *steps, width=80, moving=True)
    assert moving[3:6] == [
        lines[3],
        "  waiting for owner to approve: person@example.com asks for 80 seats. Open a ti…",
        "",
    ]


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    steps = [
        step_document(f"s{turn}", state, name="A step whose name is rather long", attempt=3, duration_ms=turn * 10**5)
        | {"error": {"code": "x", "message": "What went wrong, told at some length. " * 4}}
        for turn, state in enumerate(["succeeded", "failed", "running", "waiting"])
    ]
    lines = draw(run_document(), *steps, width=width)[2:-2]
    assert max(len(line) for line in lines) <= width
    assert sum("A step" in line for line in lines) == len(steps)


def test_a_moving_picture_says_how_to_approve() -> None:
    waiting = step_document("ok", "waiting", type="approval", waiting_for="approval")
    run = run_document(state="waiting", started_at=later(-5.3))
    *_, state, how = draw(run, waiting, moving=True)
    assert state.startswith("◷ Waiting for approval for 5 s")
    assert how == f"  approve on its page, or: levqor runs approve {run['id']}"
    assert "levqor runs approve" not in "".join(draw(run, waiting))
