"""kill -9 at random moments while runs go on, then every side effect is counted."""

import random
import time

import pytest

from tests.common.processes import Program, eventually
from tests.faults.conftest import Patient
from tests.faults.evidence import examine
from tests.faults.load import runs_keep_starting, seed_of

KILLS = 32  # of workers, on each of the two setups
ENDS_WITHIN = 30.0


@pytest.mark.timeout(240)
def test_every_run_ends_once_although_workers_and_beat_are_killed(patient: Patient) -> None:
    seed = seed_of(patient.name)
    chance = random.Random(seed)
    workers = [
        patient.platform.worker("threads", pool="threads", concurrency=16).start(),
        patient.platform.worker("prefork", pool="prefork", concurrency=2).start(),
    ]
    beat = patient.platform.beat().start()
    began = time.monotonic()
    killed = beaten = 0
    with runs_keep_starting(patient, seed):
        while killed < KILLS:
            worker = workers[killed % 2]
            _wait_a_while(worker, chance)
            worker.kill(group=chance.random() < 0.5)  # a prefork parent alone, or with its children
            worker.start()
            killed += 1
            if killed % 5 == 0:
                beat.kill()
                beat.start()
                beaten += 1
    left = patient.ask("unfinished")
    _wait_until_up(workers, beat)
    restarted = time.monotonic()
    eventually(
        lambda: patient.ask("unfinished") == 0, ENDS_WITHIN, f"all runs end: {patient.ask('pending')}", every=0.2
    )
    ended = time.monotonic()
    eventually(lambda: patient.ask("unsettled") == 0, ENDS_WITHIN, "all events and mails are out", every=0.2)
    counts = examine(patient)
    assert counts["interrupted"] > 0, "no kill hit a step: this proved nothing"
    print(  # noqa: T201 - figures for whoever reads
        f"{patient.name}: {killed} workers and {beaten} beats killed in {restarted - began:.0f} s; {left} runs were"
        f" left, the last ended {ended - restarted:.1f} s after the restarted processes were up; {counts};"
        f" {patient.server.cut_off} calls arrived cut off"
    )


def _wait_until_up(workers: list[Program], beat: Program) -> None:
    """The clock starts when the restarted processes run: how long Python takes to start is the machine's matter."""
    for worker in workers:
        worker.wait_until(" ready.", 120)
    beat.wait_until("maxinterval", 120)


def _wait_a_while(worker: Program, chance: random.Random) -> None:
    """Mostly until the worker works and a bit; sometimes not even until it is up."""
    if chance.random() < 0.8:
        worker.wait_until(" ready.", 60)
    time.sleep(chance.uniform(0.1, 1.2))
