"""A worker that stands still longer than its lease is overtaken, and writes nothing when it comes back."""

import signal
from typing import Any

import pytest

from tests.common.processes import eventually
from tests.faults.conftest import Patient
from tests.faults.evidence import examine


@pytest.mark.timeout(120)
def test_a_worker_that_was_overtaken_writes_nothing(patient: Patient) -> None:
    patient.server.hold()
    frozen = patient.platform.worker("frozen").start()
    patient.platform.beat().start()
    frozen.wait_until(" ready.")
    [run_id] = patient.ask("start", slug="held")
    eventually(lambda: _calls(patient, run_id, "held"), 30, "the call is on its way")
    frozen.signal(signal.SIGSTOP)
    patient.platform.worker("other").start()
    eventually(lambda: patient.ask("unfinished") == 0, 60, "the other worker takes the run over")
    before = _run(patient, run_id)

    frozen.signal(signal.SIGCONT)
    patient.server.release()
    frozen.wait_until("lease_lost", 30)
    eventually(lambda: patient.ask("unsettled") == 0, 30, "its event is out")
    assert _run(patient, run_id) == before
    repeated = _calls(patient, run_id, "held")
    assert len(repeated) == 2
    assert repeated[0].key == repeated[1].key
    assert len(_calls(patient, run_id, "behind")) == 1
    examine(patient)


def _run(patient: Patient, run_id: str) -> dict[str, Any]:
    return next(run for run in patient.ask("runs") if run["id"] == run_id)


def _calls(patient: Patient, run_id: str, step: str) -> list[Any]:
    return patient.server.calls(run=_run(patient, run_id)["public_id"], step=step)
