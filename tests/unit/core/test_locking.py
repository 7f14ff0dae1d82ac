"""Two processes never claim one row; neither waits for the other where the database can skip."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.db.utils import OperationalError

from apps.core import locking
from apps.core.locking import ATTEMPT_LEASE, attempt_next, claim_next
from apps.core.models import DomainEvent, EventDelivery
from tests.common.threads import run_in_threads, shared_database

DUE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.django_db
def test_nothing_to_claim() -> None:
    with transaction.atomic():
        assert claim_next(EventDelivery.objects.order_by("due_at")) is None


@pytest.mark.django_db(transaction=True)
def test_a_row_is_claimed_once(tmp_path: Path) -> None:
    claimed: list[str] = []

    def work() -> None:
        while True:
            with transaction.atomic():
                row = claim_next(EventDelivery.objects.filter(state="pending").order_by("due_at", "handler"))
                if row is None:
                    return
                claimed.append(row.handler)
                row.state = EventDelivery.State.DONE
                row.save()

    def fill() -> None:
        event = DomainEvent.objects.create(name="x")
        for number in range(8):
            EventDelivery.objects.create(event=event, handler=f"h{number}", due_at=DUE)

    with shared_database(tmp_path, DomainEvent, EventDelivery):
        run_in_threads(fill)
        run_in_threads(work, work, work)
    assert sorted(claimed) == [f"h{number}" for number in range(8)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_a_held_row_is_skipped() -> None:
    event = DomainEvent.objects.create(name="x")
    for name in ("first", "second"):
        EventDelivery.objects.create(event=event, handler=name, due_at=DUE)
    rows = EventDelivery.objects.order_by("handler")
    seen: list[str] = []

    def other() -> None:
        with transaction.atomic():
            row = claim_next(rows)
            seen.append(row.handler if row else "")
        connection.close()

    with transaction.atomic():
        held = claim_next(rows)
        assert held is not None
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(20)
    assert (held.handler, seen) == ("first", ["second"])


# Attempts ---------------------------------------------------------------------------------------------------------
WAITING = EventDelivery.objects.all(), "pending"


def delivery(handler: str = "h", due_at: datetime = DUE) -> EventDelivery:
    return EventDelivery.objects.create(event=DomainEvent.objects.create(name="x"), handler=handler, due_at=due_at)


def done(row: EventDelivery) -> None:
    row.state = EventDelivery.State.DONE
    row.save()


def noting(seen: list[str]) -> Callable[[EventDelivery], None]:
    """Work that writes down whose row it had."""

    def work(row: EventDelivery) -> None:
        seen.append(row.handler)
        done(row)

    return work


def nothing_happens(row: EventDelivery) -> None:
    raise AssertionError(f"{row} was not to be worked on")


@pytest.mark.django_db
def test_what_is_due_first_is_attempted_first_and_what_is_not_due_waits() -> None:
    with time_machine.travel(DUE, tick=False):
        for handler, seconds in (("later", 1), ("second", -1), ("first", -2)):
            delivery(handler, datetime.fromtimestamp(DUE.timestamp() + seconds, UTC))
        seen: list[str] = []
        while attempt_next(*WAITING, noting(seen)):
            pass
    assert seen == ["first", "second"]
    assert EventDelivery.objects.get(handler="later").attempts == 0


@pytest.mark.django_db(transaction=True)
def test_an_attempt_is_counted_before_it_begins_and_for_good() -> None:
    row = delivery()

    def die(held: EventDelivery) -> None:
        assert held.attempts == 1
        done(held)
        raise SystemExit

    with time_machine.travel(DUE, tick=False) as clock:
        with pytest.raises(SystemExit):
            attempt_next(*WAITING, die)
        row.refresh_from_db()
        assert (row.state, row.attempts, row.due_at) == ("pending", 1, DUE + ATTEMPT_LEASE)
        assert not attempt_next(*WAITING, nothing_happens)
        clock.shift(ATTEMPT_LEASE)
        assert attempt_next(*WAITING, done)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("done", 2)


@pytest.mark.django_db
def test_a_worker_that_slept_over_its_lease_leaves_the_row_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery()
    with time_machine.travel(DUE, tick=False) as clock:
        count = locking._count_attempt

        def sleepily(*arguments: Any) -> Any:
            monkeypatch.setattr(locking, "_count_attempt", count)
            mine = count(*arguments)
            clock.shift(ATTEMPT_LEASE)
            assert attempt_next(*WAITING, lambda row: None), "another worker's attempt"
            return mine

        monkeypatch.setattr(locking, "_count_attempt", sleepily)
        assert attempt_next(*WAITING, nothing_happens)
    assert EventDelivery.objects.get().attempts == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_whoever_finds_the_row_gone_takes_nothing_from_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """It found the row due a moment before that was counted, and locks it until it sees that it is due no more."""
    row = delivery()
    locked, count = threading.Event(), locking._count_attempt

    def look() -> None:
        with transaction.atomic():
            claim_next(EventDelivery.objects.filter(pk=row.pk))
            locked.set()
            time.sleep(0.2)
        connection.close()

    def count_and_meet(*arguments: Any) -> Any:
        mine = count(*arguments)
        threading.Thread(target=look).start()
        assert locked.wait(20)
        return mine

    monkeypatch.setattr(locking, "_count_attempt", count_and_meet)
    seen: list[str] = []
    assert attempt_next(*WAITING, noting(seen))
    assert seen == ["h"]


def other_worker_gets_nothing() -> None:
    """Another worker finds no row: PostgreSQL skips it, SQLite lets nobody in while it is worked on."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 1")
        with pytest.raises(OperationalError, match="locked"):
            attempt_next(*WAITING, nothing_happens)
    else:
        assert not attempt_next(*WAITING, nothing_happens)


@pytest.mark.django_db(transaction=True)
def test_a_living_worker_keeps_its_row_however_long_it_takes(tmp_path: Path) -> None:
    working, looked = threading.Event(), threading.Event()

    def slow_work(row: EventDelivery) -> None:
        working.set()
        assert looked.wait(30)
        done(row)

    def look(clock: time_machine.Traveller) -> Callable[[], None]:
        def others() -> None:
            assert working.wait(30)
            try:
                clock.shift(100 * ATTEMPT_LEASE)
                other_worker_gets_nothing()
            finally:
                looked.set()

        return others

    with time_machine.travel(DUE, tick=False) as clock, shared_database(tmp_path, DomainEvent, EventDelivery):
        run_in_threads(delivery)
        run_in_threads(lambda: attempt_next(*WAITING, slow_work), look(clock))
        [ended] = run_in_threads(lambda: list(EventDelivery.objects.values_list("state", "attempts")))
    assert ended == [("done", 1)]


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_attempt_each_row_once(tmp_path: Path) -> None:
    worked_on: list[str] = []

    def work() -> None:
        while attempt_next(*WAITING, noting(worked_on)):
            pass

    with shared_database(tmp_path, DomainEvent, EventDelivery):
        run_in_threads(lambda: [delivery(f"h{number}") for number in range(20)])
        run_in_threads(work, work, work, work)
        [attempts] = run_in_threads(lambda: set(EventDelivery.objects.values_list("attempts", flat=True)))
    assert sorted(worked_on) == sorted(f"h{number}" for number in range(20))
    assert attempts == {1}
