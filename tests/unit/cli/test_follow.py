"""Following a run: every change once, across lost connections, without spinning."""

from typing import Any

import httpx
import pytest
from levqor_cli.auth import StaticToken
from levqor_cli.client import ApiClient
from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode
from levqor_cli.follow import Snapshot, follow

from tests.common.levqor_api import BASE, FakeLevqor, problem, run_document, step_document, summary


@pytest.fixture
def client(server: FakeLevqor) -> ApiClient:
    del server
    return ApiClient(BASE, StaticToken("access-0"))


def states(snapshots: list[Snapshot]) -> list[tuple[str, dict[str, str]]]:
    return [(shot.run.state, {step.path: step.state for step in shot.steps}) for shot in snapshots]


def event(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"revision": 5, "type": kind, "data": data}


def test_changes_are_merged_until_the_end(client: ApiClient, server: FakeLevqor) -> None:
    run = run_document(state="running", revision=4)
    run_id = server.add_run(run, step_document("fetch", "running"))
    server.beats = [
        [step_document("fetch", "succeeded"), step_document("note", "running")],
        [step_document("note", "succeeded"), {**run, "state": "succeeded"}],
    ]
    assert states(list(follow(client, run_id))) == [
        ("running", {"fetch": "running"}),
        ("running", {"fetch": "succeeded", "note": "running"}),
        ("succeeded", {"fetch": "succeeded", "note": "succeeded"}),
    ]
    polls = server.calls("GET", f"/runs/{run_id}/events")
    assert [(poll.url.params["after"], poll.url.params["wait"]) for poll in polls] == [("4", "25"), ("6", "25")]


def test_the_end_is_shown_whole(client: ApiClient, server: FakeLevqor) -> None:
    run = run_document(state="running", inputs={"who": "Ada"})
    run_id = server.add_run(run, step_document("fetch", "running"))
    ended = {**run, "state": "succeeded", "output": [1]}
    server.beats = [httpx.Response(200, json={"events": [event("run", summary(ended))], "revision": 5})]
    shots = follow(client, run_id)
    assert next(shots).run.raw["inputs"] == {"who": "Ada"}
    server.add_run(ended, step_document("fetch", "succeeded"), step_document("note", "succeeded"))
    [last] = shots
    assert (last.run.raw["output"], len(last.steps)) == ([1], 2)


def test_events_leave_what_was_known_of_the_run(client: ApiClient, server: FakeLevqor) -> None:
    run = run_document(state="queued", inputs={"who": "Ada"})
    run_id = server.add_run(run)
    server.beats = [[{**run, "state": "running"}], [{**run, "state": "failed"}]]
    assert [shot.run.raw["inputs"] for shot in follow(client, run_id)] == [{"who": "Ada"}] * 3


def test_a_finished_run_is_not_polled(client: ApiClient, server: FakeLevqor) -> None:
    run_id = server.add_run(run_document(state="failed"))
    assert len(list(follow(client, run_id))) == 1
    assert server.calls("GET", f"/runs/{run_id}/events") == []


@pytest.mark.parametrize(
    "trouble", [httpx.ReadTimeout("slow"), httpx.ConnectError("refused"), httpx.Response(502), httpx.Response(429)]
)
def test_a_lost_connection_is_shown_and_taken_up_again(
    client: ApiClient, server: FakeLevqor, trouble: httpx.Response | Exception
) -> None:
    run = run_document(state="running")
    run_id = server.add_run(run)
    server.beats = [trouble, trouble, [{**run, "state": "succeeded"}]]
    shots = list(follow(client, run_id))
    assert [bool(shot.trouble) for shot in shots] == [False, True, True, False]
    assert shots[-1].run.state == "succeeded"


def test_after_five_minutes_without_server_it_gives_up(client: ApiClient, server: FakeLevqor, fake_time: Any) -> None:
    run_id = server.add_run(run_document(state="running"))
    server.beats = [httpx.ConnectError("refused") for _ in range(5000)]
    with pytest.raises(CliError) as caught:
        list(follow(client, run_id))
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert 300 <= sum(fake_time.naps) < 330


def test_a_refusal_ends_it_at_once(client: ApiClient, server: FakeLevqor) -> None:
    run_id = server.add_run(run_document(state="running"))
    server.beats = [problem(403, "permission_denied", "You have left this organization.")]
    with pytest.raises(CliError, match="left this organization"):
        list(follow(client, run_id))


def test_a_server_that_answers_at_once_is_not_hammered(client: ApiClient, server: FakeLevqor, fake_time: Any) -> None:
    run = run_document(state="running")
    run_id = server.add_run(run)
    server.beats = [[], [], [], [{**run, "state": "succeeded"}]]
    list(follow(client, run_id))
    assert fake_time.naps == [0.5, 0.5, 0.5]


def test_a_deadline_ends_the_following(client: ApiClient, server: FakeLevqor, fake_time: Any) -> None:
    run_id = server.add_run(run_document(state="running"))
    last = list(follow(client, run_id, deadline=fake_time.monotonic() + 2.0))[-1]
    assert last.run.state == "running"
    assert sum(fake_time.naps) == 2.0
    assert {poll.url.params["wait"] for poll in server.calls("GET", f"/runs/{run_id}/events")} <= {"1", "2"}


def test_an_event_older_than_the_snapshot_changes_nothing(client: ApiClient, server: FakeLevqor) -> None:
    run = run_document(state="running")
    run_id = server.add_run(run, step_document("fetch", "succeeded"))
    server.beats = [
        [step_document("fetch", "running")],
        [step_document("fetch", "running", attempt=2)],
        [step_document("fetch", "succeeded", attempt=2), {**run, "state": "succeeded"}],
    ]
    seen = [shot.steps[0].state for shot in follow(client, run_id)]
    assert seen == ["succeeded", "succeeded", "running", "succeeded"]
