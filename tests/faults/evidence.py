"""What must be true of a platform after all that was done to it."""

from collections import Counter
from datetime import datetime
from typing import Any

from tests.faults.conftest import Patient
from tests.faults.workflows import ENDS, STEPS


def examine(patient: Patient) -> dict[str, int]:
    """Compare every row with every call that the endpoint saw. Returns counts for the record."""
    runs: Any = patient.ask("runs")
    by_key: dict[str, list[Any]] = {}
    for call in patient.server.calls():
        by_key.setdefault(call.key, []).append(call)
    seen = Counter[str]()
    keys_of_steps = set()
    for run in runs:
        _check_run(run)
        for path, step in run["steps"].items():
            seen["interrupted"] += step["interruptions"]
            if step["type"] != "http":
                continue
            keys_of_steps.add(step["public_id"])
            calls = by_key.get(step["public_id"], [])
            _check_calls(run, path, step, calls)
            seen["calls"] += len(calls)
            seen["repeated"] += max(0, len(calls) - step["attempt"])
        seen["runs"] += 1
        seen["steps"] += len(run["steps"])
    assert set(by_key) == keys_of_steps, "a call was made under a key that no step has"
    _check_children(runs)
    _check_events(patient, runs)
    _check_mail(patient, runs)
    return dict(seen)


def _check_run(run: dict[str, Any]) -> None:
    slug = run["slug"]
    assert run["state"] == ENDS[slug], f"{slug} {run['id']} ended {run['state']}: {run['error']}"
    states = {path: step["state"] for path, step in run["steps"].items()}
    assert states == STEPS[slug], f"steps of {slug} {run['id']}"
    if slug == "mixed":
        assert run["output"] == [1, 2, 3]
    if slug == "chain":
        assert run["output"] == "four"


def _check_calls(run: dict[str, Any], path: str, step: dict[str, Any], calls: list[Any]) -> None:
    """One call for each attempt; more only where a worker died in the middle; none once the row says finished."""
    name = f"{run['slug']} {run['public_id']} {path}"
    assert calls, f"{name}: no call, but {step['state']}"
    assert {(call.body["run"], call.body["step"]) for call in calls} == {(run["public_id"], path)}, name
    assert step["attempt"] <= len(calls) + step["interruptions"], f"{name}: {len(calls)} calls, {step}"
    assert len(calls) <= step["attempt"] + step["interruptions"], f"{name}: {len(calls)} calls, {step}"
    finished = datetime.fromisoformat(step["finished_at"])
    late = [call.at for call in calls if call.at > finished]
    assert not late, f"{name}: finished at {finished}, called again at {late}"


def _check_children(runs: list[dict[str, Any]]) -> None:
    parents = Counter(run["parent_step"] for run in runs if run["slug"] == "child" and run["parent_step"])
    steps = [run["steps"]["below"]["id"] for run in runs if run["slug"] == "mixed"]
    assert parents == Counter(steps), "each subflow step has exactly one child"


def _check_events(patient: Patient, runs: list[dict[str, Any]]) -> None:
    expected = Counter(run["id"] for run in runs)
    events: Any = patient.ask("finished_events")
    assert Counter(events) == expected, "each run ended once"
    marks: Any = patient.ask("marks", kind="run_finished")
    assert Counter(marks) == expected, "each end was delivered once"
    deliveries: Any = patient.ask("deliveries")
    assert set(deliveries) == {"done"}, deliveries


def _check_mail(patient: Patient, runs: list[dict[str, Any]]) -> None:
    expected = Counter(
        f"step:{step['public_id']}" for run in runs for step in run["steps"].values() if step["type"] == "email"
    )
    mails: Any = patient.ask("mails")
    assert Counter(mail["idempotency_key"] for mail in mails) == expected, "one mail for each step"
    assert {mail["state"] for mail in mails} <= {"sent"}, mails
