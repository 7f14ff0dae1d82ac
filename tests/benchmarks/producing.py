"""Enqueuing as a busy web process does it: several threads at a time, the same for everybody who is compared."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

THREADS = 8  # as many as our web process has


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS)  # kept, with the connections that they hold


def in_threads(enqueue: Callable[[], object], count: int) -> float:
    """Call `enqueue` so often, spread over the threads. Returns the seconds that it took; raises the first error."""
    began = time.perf_counter()
    shares = [count // THREADS + (number < count % THREADS) for number in range(THREADS)]
    for share in [_threads().submit(_repeat, enqueue, share) for share in shares]:
        share.result()
    return time.perf_counter() - began


def _repeat(enqueue: Callable[[], object], times: int) -> None:
    for _number in range(times):
        enqueue()
