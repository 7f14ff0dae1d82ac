"""Redis is killed at random moments while runs go on, or stands still; nobody restarts worker and beat."""

import random
import signal
import time

import pytest

from tests.common.platform import RedisServer
from tests.common.processes import eventually
from tests.faults.conftest import Patient
from tests.faults.evidence import examine
from tests.faults.load import runs_keep_starting, seed_of

KILLS = 6
LONG_OUTAGE = 7.0  # as long as kombu's own patience takes to look every six seconds, and more rarely later
ENDS_WITHIN = 30.0
BACK_WITHIN = 5.0  # a look for Redis every second, a tick every two
HEARD_WITHIN = 3.0
HELD_UP_AT_MOST = 15.0  # whoever rings waits for the flag and for the queue, a few seconds each


@pytest.mark.timeout(150)
@pytest.mark.parametrize("patient", ["services"], indirect=True)
def test_a_worker_and_a_beat_outlive_their_redis(patient: Patient) -> None:
    seed = seed_of("redis")
    assert patient.redis is not None
    worker, beat = patient.platform.worker().start(), patient.platform.beat().start()
    worker.wait_until(" ready.")
    beat.wait_until("maxinterval")
    patient.ask("start", slug="quick")
    _settle(patient)
    before = examine(patient)
    with runs_keep_starting(patient, seed):
        _kill_and_restart(patient.redis, random.Random(seed))
    assert worker.running, worker.tail()
    restarted = time.monotonic()
    left = patient.ask("unfinished")
    _settle(patient)
    ended = time.monotonic()
    counts = examine(patient)
    assert counts["runs"] > before["runs"], "no run was started: this proved nothing"
    assert counts["interrupted"] == before.get("interrupted", 0), "a lost Redis interrupts no step"
    assert counts["repeated"] == before.get("repeated", 0), "a call was made twice"

    patient.redis.program.kill()
    [unannounced] = patient.ask("start", slug="quick")
    time.sleep(LONG_OUTAGE)
    assert not patient.server.calls(run=_public_id(patient, unannounced)), (
        "somebody heard a ring that nobody could ring"
    )
    patient.redis.start()
    back = _until_begun(patient, unannounced, BACK_WITHIN, "beat's tick reaches the worker")

    beat.stop()  # from here on only a ring can wake the worker
    heard = [
        _until_begun(patient, patient.ask("start", slug="quick")[0], HEARD_WITHIN, "the worker hears rings")
        for _number in range(3)
    ]
    _settle(patient)
    assert (worker.running, worker.starts, beat.starts) == (True, 1, 1)
    print(  # noqa: T201 - figures for whoever reads
        f"redis: killed {KILLS} times; {left} runs were left, the last ended {ended - restarted:.1f} s later; after"
        f" {LONG_OUTAGE:.0f} s without Redis the next run began {back:.1f} s after its return, then {max(heard):.2f} s"
        f" after each ring at most; {counts}"
    )


@pytest.mark.timeout(90)
@pytest.mark.parametrize("patient", ["services"], indirect=True)
def test_a_redis_that_stands_still_holds_nobody_up(patient: Patient) -> None:
    assert patient.redis is not None
    worker, beat = patient.platform.worker().start(), patient.platform.beat().start()
    worker.wait_until(" ready.")
    beat.wait_until("maxinterval")
    patient.redis.program.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        [run] = patient.ask("start", slug="quick")
        held_up = time.monotonic() - began
    finally:
        patient.redis.program.signal(signal.SIGCONT)
    back = _until_begun(patient, run, BACK_WITHIN, "the worker hears again")
    assert held_up < HELD_UP_AT_MOST
    _settle(patient)
    assert (worker.running, worker.starts, beat.starts) == (True, 1, 1)
    print(  # noqa: T201 - figures for whoever reads
        f"\nredis: stood still, it held up a start for {held_up:.1f} s; the run began {back:.1f} s after it went on"
    )


def _settle(patient: Patient) -> None:
    log = patient.platform.programs["worker"]
    eventually(lambda: patient.ask("unfinished") == 0, ENDS_WITHIN, f"all runs end:\n{log.tail()}", every=0.2)
    eventually(lambda: patient.ask("unsettled") == 0, ENDS_WITHIN, "all events and mails are out", every=0.2)


def _kill_and_restart(redis: RedisServer, chance: random.Random) -> None:
    for _number in range(KILLS):
        time.sleep(chance.uniform(0.3, 2.5))
        redis.program.kill()
        time.sleep(chance.choice((0, chance.uniform(0, 1), chance.uniform(0, 2))))
        redis.start()


def _until_begun(patient: Patient, run_id: str, seconds: float, what: str) -> float:
    began, run = time.monotonic(), _public_id(patient, run_id)
    log = patient.platform.programs["worker"]
    eventually(lambda: patient.server.calls(run=run), seconds, f"{what}:\n{log.tail()}", every=0.02)
    return time.monotonic() - began


def _public_id(patient: Patient, run_id: str) -> str:
    return str(next(run["public_id"] for run in patient.ask("runs") if run["id"] == run_id))
