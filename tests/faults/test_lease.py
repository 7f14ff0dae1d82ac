"""A worker that stands still longer than its lease is overtaken, and writes nothing when it comes back."""

import signal
import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest

from tests.common.processes import Program, eventually
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
    _freeze(patient, frozen)
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


def _freeze(patient: Patient, worker: Program) -> None:
    """Stop it between two writes: SQLite's one lock, held by who stands still, would stop everybody."""
    for _attempt in range(50):
        worker.signal(signal.SIGSTOP)
        if patient.redis is not None or _can_be_written(patient):
            return
        worker.signal(signal.SIGCONT)
        time.sleep(0.05)
    pytest.fail("it was writing all the time")


def _can_be_written(patient: Patient) -> bool:
    file = patient.platform.folder / "levqor.sqlite3"
    with closing(sqlite3.connect(f"file:{file}?mode=rw", uri=True, timeout=1, isolation_level=None)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        database.execute("ROLLBACK")
    return True
