"""kill -9 in the very middle of an event's handler and of a scheduled job, and two beats that tick at once."""

from collections import Counter
from pathlib import Path

import pytest

from apps.core.events import DELIVER_TASK
from apps.core.jobs import RUN_TASK, SWEEP_TASK
from apps.workflows.tasks import FIRE_TASK
from tests.common.processes import eventually
from tests.faults.conftest import Patient
from tests.faults.evidence import examine

HANDLER = "run_finished:count_for_faults"


class Gate:
    """Holds the plugin's handler or job in its middle while closed."""

    def __init__(self, folder: Path, name: str) -> None:
        self._gate, self._entered = folder / f"{name}.gate", folder / f"{name}.entered"

    def close(self) -> None:
        self._entered.unlink(missing_ok=True)
        self._gate.touch()

    def open(self) -> None:
        self._gate.unlink(missing_ok=True)

    def entered(self) -> bool:
        return self._entered.exists()


@pytest.mark.timeout(90)
def test_a_handler_killed_after_its_write_leaves_nothing_and_runs_again(patient: Patient) -> None:
    gate = Gate(patient.platform.folder, "handler")
    gate.close()
    worker = patient.platform.worker().start()
    worker.wait_until(" ready.")
    [run_id] = patient.ask("start", slug="quick")
    eventually(gate.entered, 30, "the handler is in its middle")
    worker.kill()
    gate.open()
    assert run_id not in patient.ask("marks", kind="run_finished")
    assert patient.ask("attempts", handler=HANDLER, run_id=run_id) == 1, "what the kill could not take back"
    assert patient.ask("expire_deliveries") >= 1
    worker.start()
    patient.ask("send", task=DELIVER_TASK, times=3)
    eventually(lambda: patient.ask("unsettled") == 0, 30, "the event is delivered")
    assert Counter(patient.ask("marks", kind="run_finished"))[run_id] == 1
    assert patient.ask("attempts", handler=HANDLER, run_id=run_id) == 2
    examine(patient)


@pytest.mark.timeout(90)
def test_a_job_killed_in_its_middle_is_taken_over_and_each_slot_runs_once(patient: Patient) -> None:
    patient.ask("forget_jobs")
    gate = Gate(patient.platform.folder, "job")
    gate.close()
    worker = patient.platform.worker().start()
    worker.wait_until(" ready.")
    patient.ask("send", task=RUN_TASK, arguments=["faults_job"], times=4)
    eventually(gate.entered, 30, "the job is in its middle")
    worker.kill()
    gate.open()
    worker.start()
    patient.ask("send", task=SWEEP_TASK)  # too early: the lease may be a living worker's
    patient.ask("send", task=RUN_TASK, arguments=["faults_job"], times=4)
    worker.wait_until(" ready.")
    assert patient.ask("expire_jobs") == 1
    patient.ask("send", task=SWEEP_TASK, times=3)
    slots = eventually(
        lambda: [run for run in patient.ask("job_runs") if run["attempt"] == 2 and run["state"] == "succeeded"],
        30,
        "the sweeper's worker finishes the slot",
    )
    assert len(slots) == 1
    begun, done = (Counter(patient.ask("marks", kind=kind)) for kind in ("job_begun", "job_done"))
    assert set(done.values()) == {1}, "a slot was done twice"
    assert sorted(begun.values())[-1] == 2, "the killed attempt and the one that took over"
    assert set(begun) == set(done)
    assert len(patient.ask("job_runs")) == len(done)


@pytest.mark.timeout(90)
def test_two_beats_at_once_fire_each_slot_once(patient: Patient) -> None:
    patient.platform.worker("one").start()
    patient.platform.worker("two", pool="prefork", concurrency=2).start()
    beats = [patient.platform.beat(f"beat{number}").start() for number in (1, 2)]
    for beat in beats:
        beat.wait_until("maxinterval")
    slots = patient.ask("miss_slots", minutes=7)
    patient.ask("send", task=FIRE_TASK, times=8)  # and both beats' own ticks
    eventually(lambda: set(slots) <= set(_fired(patient)), 40, "every missed slot has its run")
    patient.ask("pause_clockwork")
    fired = Counter(_fired(patient))
    assert set(fired.values()) == {1}, fired
    eventually(lambda: patient.ask("unfinished") == 0 and patient.ask("unsettled") == 0, 30, "their runs end")
    examine(patient)


def _fired(patient: Patient) -> list[str]:
    """The slots for which runs of the clockwork were started."""
    return [run["trigger_data"]["scheduled_for"] for run in patient.ask("runs") if run["slug"] == "clockwork"]
