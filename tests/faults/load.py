"""Runs that keep being started while something is killed."""

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.conftest import Patient

MIX = ("chain", "mixed", "chain", "refused")
MOST_UNFINISHED = 15  # how much there is to do at a time: the question is what a kill breaks, not how fast we are


def seed_of(name: str) -> int:
    """The seed of a test's moments, told so that they can be repeated."""
    seed = int(os.environ.get("FAULTS_SEED") or time.time_ns() % 1_000_000)
    print(f"\n{name}: FAULTS_SEED={seed} repeats these moments")  # noqa: T201 - figures for whoever reads
    return seed


@contextmanager
def runs_keep_starting(patient: Patient, seed: int) -> Iterator[None]:
    """Inside, a thread starts runs of several workflows."""
    done = threading.Event()
    starter = threading.Thread(target=_keep_starting, args=(patient, done, random.Random(seed)), daemon=True)
    starter.start()
    try:
        yield
    finally:
        done.set()
        starter.join(timeout=60)


def _keep_starting(patient: Patient, done: threading.Event, chance: random.Random) -> None:
    while not done.is_set():
        patient.ask("start", slug=chance.choice(MIX), unless_unfinished=MOST_UNFINISHED)
        done.wait(chance.uniform(0.1, 0.4))
