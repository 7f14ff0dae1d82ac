"""`run` and `runs …` from the outside: what they send, print and return."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from levqor_cli import watching

from tests.common.levqor_api import FakeLevqor, problem, run_document, step_document

pytestmark = pytest.mark.usefixtures("logged_in")

RUN = f"run_{1:026d}"
SOURCE = "name: Order intake\nsteps: []\n"


@pytest.fixture
def intake(server: FakeLevqor) -> FakeLevqor:
    """A workflow that can be started."""
    server.add_workflow("order-intake", SOURCE)
    return server


def ending(state: str, **changes: Any) -> list[dict[str, Any]]:
    return [run_document(1, state=state, duration_ms=1500, **changes)]


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("failed", 1), ("cancelled", 7)])
def test_the_exit_code_is_how_the_run_ended(cli: Any, intake: FakeLevqor, state: str, code: int) -> None:
    intake.beats = [ending(state)]
    assert cli("run", "order-intake").exit_code == code


def test_plain_lines_for_logs(cli: Any, intake: FakeLevqor) -> None:
    failure = {"code": "http_status", "message": "HTTP 500"}
    intake.beats = [
        [run_document(1, state="running"), step_document("fetch", "running"), step_document("later")],
        [],
        [step_document("fetch", "running")],
        httpx.ReadTimeout("slow"),
        [step_document("fetch", "succeeded", duration_ms=412), step_document("ship", "running")],
        [
            step_document("ship", "failed", duration_ms=9, attempt=3, error=failure),
            *ending("failed", error={**failure, "step": "ship"}),
        ],
    ]
    result = cli("run", "order-intake")
    assert [line[11:] for line in result.stdout.splitlines()] == [
        f"{RUN:<28}  Order intake v1",
        f"{'run':<28}  queued",
        f"{'fetch':<28}  running",
        f"{'run':<28}  running",
        f"{'connection':<28}  lost: Cannot reach http://127.0.0.1:8000: it did not answer in time.",
        f"{'connection':<28}  back",
        f"{'fetch':<28}  succeeded in 412 ms",
        f"{'ship':<28}  running",
        f"{'ship':<28}  failed in 9 ms: HTTP 500 (after 3 attempts)",
        f"{'run':<28}  failed in 1.5 s",
    ]
    assert "✗ ship: HTTP 500 [http_status]" in result.stderr
    assert "\x1b" not in result.output


def test_inputs_priority_and_version_are_sent(cli: Any, intake: FakeLevqor, surroundings: Path) -> None:
    (surroundings / "in.json").write_text('{"customer": "Ada", "count": 1}')
    arguments = ["--inputs-file", "in.json", "-i", "count:=2", "--input", "note=a=b", "--priority", "high"]
    assert cli("run", "order-intake@1", *arguments, "--detach").exit_code == 0
    sent = json.loads(intake.calls("POST", "/workflows/order-intake/runs")[0].content)
    assert sent == {
        "inputs": {"customer": "Ada", "count": 2, "note": "a=b"},
        "version": 1,
        "priority": "high",
    }
    assert intake.requests[-1].headers["idempotency-key"]


def test_a_file_is_validated_published_and_run(cli: Any, server: FakeLevqor, surroundings: Path) -> None:
    (surroundings / "intake.yaml").write_text(SOURCE)
    server.beats = [ending("succeeded", output={"orders": 2})]
    result = cli("run", "intake.yaml")
    assert result.exit_code == 0
    assert "Created workflow order-intake, version 1" in result.stderr
    assert result.stdout.endswith('{\n  "orders": 2\n}\n')
    paths = [call.url.path.removeprefix("/api/v1") for call in server.requests if call.method == "POST"]
    assert paths == ["/workflows/validate", "/workflows", "/workflows/order-intake/runs"]
    assert json.loads(server.calls("POST", "/workflows/order-intake/runs")[0].content)["version"] == 1


def test_an_invalid_file_is_not_run(cli: Any, server: FakeLevqor, surroundings: Path) -> None:
    (surroundings / "intake.yaml").write_text(SOURCE)
    server.invalid = [{"line": 1, "column": 1, "path": "", "message": "no", "expected": None}]
    assert cli("run", "intake.yaml").exit_code == 3
    assert server.runs == {}


def test_detach_prints_the_id(cli: Any, intake: FakeLevqor) -> None:
    result = cli("run", "order-intake", "--detach")
    assert (result.exit_code, result.stdout) == (0, f"{RUN}\n")
    assert f"levqor runs watch {RUN}" in result.stderr
    assert json.loads(cli("run", "order-intake", "-d", "--json").stdout)["state"] == "queued"


def test_on_a_terminal_the_last_picture_stays(cli: Any, intake: FakeLevqor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("levqor_cli.output.Output.interactive", True)
    intake.beats = [[step_document("fetch", "running")], [step_document("fetch", "succeeded"), *ending("succeeded")]]
    shown = cli("run", "order-intake").stdout
    assert shown.count("✓ fetch") == 1
    assert shown.rstrip().endswith("✓ Succeeded in 1.5 s")


def test_json_is_one_document_with_steps(cli: Any, intake: FakeLevqor) -> None:
    intake.beats = [[step_document("fetch", "succeeded")], ending("succeeded", output=[1])]
    result = cli("run", "order-intake", "--json")
    document = json.loads(result.stdout)
    assert (document["state"], document["output"], document["steps"][0]["path"]) == ("succeeded", [1], "fetch")
    assert result.stderr == ""


def test_quiet_prints_the_output_only(cli: Any, intake: FakeLevqor) -> None:
    intake.beats = [ending("succeeded", output="done")]
    result = cli("run", "order-intake", "-q")
    assert (result.stdout, result.stderr) == ('"done"\n', "")


def test_leaving_with_ctrl_c(cli: Any, intake: FakeLevqor, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(watching, "follow", interrupted)
    result = cli("run", "order-intake")
    assert result.exit_code == 130
    assert "it goes on" in result.stderr
    assert f"levqor runs watch {RUN}" in result.stderr
    assert f"levqor runs cancel {RUN}" in result.stderr
    assert intake.calls("POST", f"/runs/{RUN}/cancel") == []


def test_timeout_and_approval_stop_the_watching(cli: Any, intake: FakeLevqor) -> None:
    result = cli("run", "order-intake", "--timeout", "3s")
    assert result.exit_code == 8
    assert f"levqor runs watch {RUN}" in result.stderr
    waiting = step_document("ok", "waiting", type="approval", waiting_for="approval")
    run_id = intake.add_run(run_document(7, state="waiting"), waiting)
    result = cli("runs", "watch", run_id, "--stop-at-approval")
    assert result.exit_code == 8
    assert f"levqor runs approve {run_id}\n" in result.stderr
    assert cli("runs", "watch", run_id, "--timeout", "soon").exit_code == 2


def waiting_for_approval(server: FakeLevqor) -> None:
    """The run waits for a person, and succeeds after the next look."""
    waiting = step_document("ok", "waiting", type="approval", waiting_for="approval")
    server.beats = [[waiting], ending("succeeded")]


@pytest.mark.parametrize("command", [["run", "order-intake"], ["runs", "watch", RUN]])
@pytest.mark.parametrize("shown", ["", "--json", "--quiet"])
def test_an_approval_ends_the_watching_where_nobody_sees_it(
    cli: Any, intake: FakeLevqor, command: list[str], shown: str
) -> None:
    if command[0] == "runs":
        intake.add_run(run_document(1, state="running"))
    waiting_for_approval(intake)
    result = cli(*command, *([shown] if shown else []))
    assert result.exit_code == 8
    assert (f"levqor runs approve {RUN}\n" in result.stderr) is not bool(shown)


def test_a_script_may_wait_for_the_approval(cli: Any, intake: FakeLevqor) -> None:
    waiting_for_approval(intake)
    assert cli("run", "order-intake", "--wait-for-approval").exit_code == 0


@pytest.mark.parametrize(("option", "code"), [([], 0), (["--stop-at-approval"], 8), (["--quiet"], 8)])
def test_a_terminal_watches_on(
    cli: Any, intake: FakeLevqor, monkeypatch: pytest.MonkeyPatch, option: list[str], code: int
) -> None:
    monkeypatch.setattr("levqor_cli.output.Output.interactive", True)
    waiting_for_approval(intake)
    assert cli("run", "order-intake", *option).exit_code == code


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["missing.yaml"], 2),
        (["folder/missing"], 2),
        (["nothing"], 5),
        (["two words"], 2),
        (["order-intake", "--input", "x"], 2),
        (["order-intake", "--priority", "urgent"], 2),
        (["-", "--inputs-file", "-"], 2),
        (["order-intake", "--bogus"], 2),
        ([], 2),
    ],
)
def test_mistakes(cli: Any, intake: FakeLevqor, arguments: list[str], code: int) -> None:
    result = cli("run", *arguments)
    assert result.exit_code == code
    assert "Traceback" not in result.output
    assert intake.runs == {}


def test_inputs_the_server_refuses(cli: Any, intake: FakeLevqor) -> None:
    errors = [{"path": "inputs.count", "message": "'5' is not an integer", "expected": "integer"}]
    intake.failures = [problem(422, "invalid_inputs", "The inputs do not fit.", errors=errors)]
    result = cli("run", "order-intake", "-i", "count=5")
    assert result.exit_code == 3
    assert result.stderr.splitlines() == [
        "✗ The inputs do not fit.",
        "  inputs.count: '5' is not an integer (expected integer)",
        "  NAME=… gives text; write NAME:=5, NAME:=true or NAME:='[1]' for other values.",
    ]
    intake.failures = [problem(422, "invalid_inputs", "The inputs do not fit.", errors=errors)]
    error = json.loads(cli("run", "order-intake", "--json").stderr)["error"]
    assert (error["code"], error["exit_code"], error["request_id"]) == ("invalid_inputs", 3, "req_test")


def test_runs_list(cli: Any, intake: FakeLevqor) -> None:
    assert "No runs here yet" in cli("runs", "list").stderr
    intake.add_run(run_document(1, state="succeeded", duration_ms=10))
    intake.add_run(run_document(2, state="failed"))
    assert cli("runs", "list").stdout.splitlines() == [
        f"run_{2:026d}\torder-intake\tfailed\tapi\t2026-11-20T09:00:00Z\t",
        f"run_{1:026d}\torder-intake\tsucceeded\tapi\t2026-11-20T09:00:00Z\t10",
    ]
    assert cli("runs", "list", "-q", "--state", "failed").stdout == f"run_{2:026d}\n"
    assert cli("runs", "list", "-q", "-w", "other").stdout == ""
    assert cli("runs", "list", "-q", "-n", "1").stdout == f"run_{2:026d}\n"
    assert len(json.loads(cli("runs", "list", "--json").stdout)) == 2


def test_runs_show(cli: Any, intake: FakeLevqor) -> None:
    call = step_document("call", "succeeded", name="Call", input={"url": "x"}, output={"status": 200}, duration_ms=5)
    run_id = intake.add_run(run_document(3, state="succeeded", inputs={"a": 1}, output="fine"), call)
    shown = cli("runs", "show", run_id).stdout
    assert "✓ Call" in shown
    assert '"a": 1' in shown
    assert shown.rstrip().endswith('"fine"')
    step = cli("runs", "show", run_id, "--step", "call").stdout
    assert '"url": "x"' in step
    assert '"status": 200' in step
    assert json.loads(cli("runs", "show", run_id, "--step", "Call", "--json").stdout)["id"] == "step_call"
    assert cli("runs", "show", run_id, "--step", "none").exit_code == 5
    assert cli("runs", "show", "run_none").exit_code == 5


def test_runs_show_tells_what_started_the_run(cli: Any, intake: FakeLevqor) -> None:
    brought = {"body": {"lead_id": "L-7"}, "headers": {}}
    webhook = intake.add_run(run_document(3, trigger="webhook", trigger_data=brought))
    shown = cli("runs", "show", webhook).stdout
    assert "\nTrigger  webhook\nCreated  2026-11-20 09:00:00Z" in shown
    assert '"lead_id": "L-7"' in shown
    slot = {"scheduled_for": "2026-11-20T10:00:00+01:00"}
    cron = intake.add_run(run_document(4, trigger="cron", trigger_data=slot))
    assert "schedule, for 2026-11-20 09:00:00Z" in cli("runs", "show", cron).stdout
    assert json.loads(cli("runs", "show", cron, "--json").stdout)["trigger_data"] == slot


def test_runs_show_tells_how_to_decide(cli: Any, intake: FakeLevqor) -> None:
    waiting = [step_document(path, "waiting", type="approval", waiting_for="approval") for path in ("ok", "sure")]
    run_id = intake.add_run(run_document(3, state="waiting"), waiting[0])
    assert f"  Approve: levqor runs approve {run_id}\n" in cli("runs", "show", run_id).stderr
    intake.add_run(run_document(3, state="waiting"), *waiting)
    assert f"  Reject:  levqor runs reject {run_id} step_sure\n" in cli("runs", "show", run_id).stderr


def test_runs_cancel(cli: Any, intake: FakeLevqor) -> None:
    waiting = intake.add_run(run_document(2, state="waiting"))
    assert "Cancelled" in cli("runs", "cancel", waiting).stderr
    assert intake.runs[waiting]["state"] == "cancelled"
    running = intake.add_run(run_document(3, state="running"))
    assert "stops before its next step" in cli("runs", "cancel", running).stderr
    assert "· cancelling" in cli("runs", "show", running).stdout
    done = intake.add_run(run_document(4, state="succeeded"))
    result = cli("runs", "cancel", done)
    assert (result.exit_code, "already ended" in result.stderr) == (9, True)


def test_approving_and_rejecting(cli: Any, intake: FakeLevqor) -> None:
    waiting = [
        step_document(path, "waiting", type="approval", waiting_for="approval", name=name)
        for path, name in (("ok", "First"), ("sure", "Second"))
    ]
    run_id = intake.add_run(run_document(3, state="waiting"), waiting[0])
    assert cli("runs", "approve", run_id, "--comment", "fine").exit_code == 0
    intake.add_run(run_document(3, state="waiting"), *waiting)
    unclear = cli("runs", "approve", run_id)
    assert unclear.exit_code == 2
    assert "step_ok  First" in unclear.stderr
    assert cli("runs", "reject", run_id, "sure").exit_code == 0
    assert intake.decisions == [
        {"run": run_id, "step": "step_ok", "decision": "approve", "comment": "fine"},
        {"run": run_id, "step": "step_sure", "decision": "reject", "comment": ""},
    ]
    idle = intake.add_run(run_document(5, state="running"))
    assert cli("runs", "approve", idle).exit_code == 9


def test_open(cli: Any, intake: FakeLevqor) -> None:
    assert cli("open", RUN).stdout == f"http://127.0.0.1:8000/runs/{RUN}\n"
    assert cli("open", "order-intake", "--no-browser").stdout == "http://127.0.0.1:8000/workflows/order-intake\n"
    intake.workflows["wf_order-intake"] = intake.workflows["order-intake"]
    assert cli("open", "wf_order-intake").stdout == "http://127.0.0.1:8000/workflows/order-intake\n"
    assert json.loads(cli("open", RUN, "--json").stdout) == {"url": f"http://127.0.0.1:8000/runs/{RUN}"}
