"""Keeping a lease while work takes its time: a heartbeat from a thread of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from django.db import connection
from django.db.utils import Error

log = structlog.get_logger(__name__)


@contextmanager
def kept_alive(renew: Callable[[], bool], every: float) -> Iterator[None]:
    """Call `renew` every so many seconds while the block works, until it says that there is nothing left to renew.

    A process that dies stops calling, and so does one whose block is left, however it is left.
    """
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(over, renew, every), name="kept-alive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(over: threading.Event, renew: Callable[[], bool], every: float) -> None:
    while not over.wait(every):
        try:
            if not renew():
                return
        except Error as error:  # this thread must outlive whatever the database does
            log.warning("lease_not_renewed", error=str(error))
        finally:
            connection.close()  # this thread's own, needed again only in seconds
