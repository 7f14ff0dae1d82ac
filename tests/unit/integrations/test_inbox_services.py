"""The inbox: handed over exactly once, retried, given up, replayed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.db import connection

from apps.core.errors import ConflictError, NotFoundError
from apps.core.kinds import WebhookHandler, WebhookVerifier
from apps.core.locking import ATTEMPT_LEASE
from apps.core.models import DomainEvent
from apps.core.registry import contributed
from apps.integrations.errors import WebhookRefusedError
from apps.integrations.inbox import services
from apps.integrations.inbox.services import HANDLE_TASK, MAX_ATTEMPTS, handle_due, receive, replay
from apps.integrations.models import ExternalEvent
from tests.common.threads import run_in_threads, shared_database

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
State = ExternalEvent.State


class Killed(BaseException):
    """The process ends here."""


def verify(body: bytes, headers: Mapping[str, str]) -> tuple[str, str, dict[str, Any]]:
    """A vendor that signs with a password."""
    if headers.get("password") != "right":
        raise WebhookRefusedError
    return headers.get("id", "1"), headers.get("type", "paid"), {"body": body.decode()}


class Handler:
    """Writes a row per event, so that undone work shows; then does what `script` says."""

    def __init__(self) -> None:
        self.script: list[BaseException] = []

    def __call__(self, payload: dict[str, Any]) -> None:
        DomainEvent.objects.create(name="handled", payload=payload)
        if self.script:
            raise self.script.pop(0)


@pytest.fixture
def handler() -> Iterator[Handler]:
    handle = Handler()
    with ExitStack() as stack:
        stack.enter_context(patch("apps.core.doorbell.current_app.send_task"))
        stack.enter_context(contributed(WebhookVerifier("acme", verify), WebhookHandler("acme", "paid", handle)))
        yield handle


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def arrive(**headers: str) -> ExternalEvent:
    return receive("acme", b"hello", {"password": "right", **headers})[0]


def handled() -> int:
    return DomainEvent.objects.filter(name="handled").count()


@pytest.mark.django_db
class TestInbox:
    def test_an_event_is_handled_once(self, handler: Handler) -> None:
        event = arrive()
        assert (handle_due(), handle_due(), handled()) == (1, 0, 1)
        event.refresh_from_db()
        assert (event.state, event.attempts) == (State.HANDLED, 1)
        assert event.handled_at is not None

    def test_a_duplicate_is_no_second_event(self, handler: Handler) -> None:
        first, again = receive("acme", b"x", {"password": "right"}), receive("acme", b"x", {"password": "right"})
        assert (first[1], again[1], first[0].pk) == (True, False, again[0].pk)
        handle_due()
        receive("acme", b"x", {"password": "right"})
        assert (handle_due(), handled()) == (0, 1)

    def test_the_same_id_of_another_vendor_is_another_event(self, handler: Handler) -> None:
        with contributed(WebhookVerifier("other", verify)):
            arrive()
            assert receive("other", b"x", {"password": "right"})[1]

    def test_forged_and_unknown_leave_no_row(self, handler: Handler) -> None:
        with pytest.raises(WebhookRefusedError):
            arrive(password="wrong")
        with pytest.raises(NotFoundError):
            receive("nobody", b"", {})
        assert not ExternalEvent.objects.exists()

    def test_only_interested_handlers_are_asked(self, handler: Handler) -> None:
        seen: list[dict[str, Any]] = []
        with contributed(WebhookHandler("acme", "*", seen.append), WebhookHandler("other", "*", seen.append)):
            arrive(type="refunded")
            handle_due()
        assert (len(seen), handled()) == (1, 0)

    def test_an_event_nobody_wants_is_done(self, handler: Handler) -> None:
        event = arrive(type="unheard of")
        handle_due()
        event.refresh_from_db()
        assert event.state == State.HANDLED

    def test_a_failure_is_undone_and_tried_again(self, handler: Handler, clock: time_machine.Traveller) -> None:
        event = arrive()
        handler.script = [RuntimeError("no luck")]
        assert (handle_due(), handled()) == (1, 0)
        event.refresh_from_db()
        assert (event.state, event.attempts, event.last_error) == (State.RECEIVED, 1, "RuntimeError: no luck")
        assert timedelta(seconds=2) <= event.due_at - START <= timedelta(seconds=4)
        assert handle_due() == 0
        clock.shift(5)
        assert (handle_due(), handled()) == (1, 1)
        event.refresh_from_db()
        assert (event.state, event.last_error) == (State.HANDLED, "")

    def test_one_failing_handler_undoes_the_others_too(self, handler: Handler) -> None:
        def refuse(payload: dict[str, Any]) -> None:
            raise RuntimeError("later in the order of names")

        with contributed(WebhookHandler("acme", "*", handler), WebhookHandler("acme", "zzz", refuse)):
            arrive(type="zzz")
            handle_due()
        assert handled() == 0

    def test_it_gives_up_and_can_be_replayed(self, handler: Handler, clock: time_machine.Traveller) -> None:
        event = arrive()
        handler.script = [RuntimeError("no") for _number in range(MAX_ATTEMPTS)]
        for _number in range(MAX_ATTEMPTS + 2):
            handle_due()
            clock.shift(services.LONGEST_PAUSE)
        event.refresh_from_db()
        assert (event.state, event.attempts, handled()) == (State.DEAD, MAX_ATTEMPTS, 0)
        replay(event)
        handle_due()
        event.refresh_from_db()
        assert (event.state, event.attempts, handled()) == (State.HANDLED, 1, 1)

    def test_only_a_dead_event_is_replayed(self, handler: Handler) -> None:
        event = arrive()
        with pytest.raises(ConflictError):
            replay(event)
        handle_due()
        with pytest.raises(ConflictError):
            replay(event)

    def test_it_stops_at_its_limit_and_rings_for_the_rest(self, handler: Handler) -> None:
        for number in range(3):
            arrive(id=str(number))
        with patch.object(services, "ring_once") as ring:
            assert handle_due(limit=2) == 2
        ring.assert_called_once_with(HANDLE_TASK)

    def test_a_worker_is_rung_for_new_events_only(
        self, handler: Handler, django_capture_on_commit_callbacks: Callable[..., Any]
    ) -> None:
        with django_capture_on_commit_callbacks() as callbacks:
            arrive()
            arrive()
        assert len(callbacks) == 1


@pytest.mark.django_db(transaction=True)
def test_a_new_event_costs_one_statement(handler: Handler, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        first = arrive()
    with django_assert_num_queries(2):
        assert arrive() == first


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time, one connection in memory")
def test_brought_by_several_at_once_it_is_one_event(handler: Handler) -> None:
    told = run_in_threads(*[lambda: receive("acme", b"x", {"password": "right"})] * 6)
    assert sorted(new for _event, new in told) == [False] * 5 + [True]
    assert {event.pk for event, _new in told} == {ExternalEvent.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_leaves_nothing_but_the_count(handler: Handler, clock: time_machine.Traveller) -> None:
    event = arrive()
    handler.script = [Killed()]
    with pytest.raises(Killed):
        handle_due()
    event.refresh_from_db()
    assert (event.state, event.attempts, handled()) == (State.RECEIVED, 1, 0)
    assert handle_due() == 0
    clock.shift(ATTEMPT_LEASE)
    assert (handle_due(), handled()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_an_event_that_kills_its_workers_is_given_up(handler: Handler, clock: time_machine.Traveller) -> None:
    event = arrive()
    handler.script = [Killed() for _number in range(MAX_ATTEMPTS)]
    for _number in range(MAX_ATTEMPTS):
        with pytest.raises(Killed):
            handle_due()
        clock.shift(ATTEMPT_LEASE)
    assert handle_due() == 1
    event.refresh_from_db()
    assert (event.state, event.attempts, handled()) == (State.DEAD, MAX_ATTEMPTS, 0)
    assert event.last_error == "WorkerDiedError: the worker died during the last attempt"
    replay(event)
    assert (handle_due(), handled()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_deliveries_and_two_workers_at_once_make_one_effect(handler: Handler, tmp_path: Path) -> None:
    def deliver() -> None:
        for number in range(10):
            arrive(id=str(number))

    with shared_database(tmp_path, ExternalEvent, DomainEvent):
        run_in_threads(deliver, deliver)
        done = run_in_threads(handle_due, handle_due)
        (effects,) = run_in_threads(handled)
    assert (sum(done), effects) == (10, 10)
