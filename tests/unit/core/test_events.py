import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.core import events
from apps.core.context import bound, current
from apps.core.errors import ConflictError
from apps.core.kinds import EventHandler, EventType
from apps.core.locking import ATTEMPT_LEASE
from apps.core.models import DomainEvent, EventDelivery, LoadedSeed
from apps.core.registry import RegistryError, contributed

pytestmark = pytest.mark.django_db
State = EventDelivery.State


class Listener:
    """Handles events as its `behave` says, and remembers them."""

    def __init__(self) -> None:
        self.heard: list[DomainEvent] = []
        self.organizations: list[uuid.UUID | None] = []
        self.error: BaseException | None = None

    def handle(self, event: DomainEvent) -> None:
        self.heard.append(event)
        self.organizations.append(current().organization_id)
        LoadedSeed.objects.create(name=f"effect {len(self.heard)}", loaded_at="2026-01-01T00:00Z")
        if self.error is not None:
            raise self.error


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    with contributed(
        EventType("thing_happened", "A thing happened"),
        EventHandler("thing_happened", "listener", listener.handle, when=lambda payload: payload.get("loud", True)),
    ):
        yield listener


def only_delivery() -> EventDelivery:
    return EventDelivery.objects.get()


def test_an_event_reaches_its_handler_once(listener: Listener) -> None:
    organization = uuid.uuid4()
    event = events.emit("thing_happened", {"n": 1}, organization_id=organization)
    assert events.deliver_due() == 1
    assert events.deliver_due() == 0
    assert [(heard.pk, heard.payload) for heard in listener.heard] == [(event.pk, {"n": 1})]
    assert listener.organizations == [organization]
    delivery = only_delivery()
    assert (delivery.state, delivery.attempts) == (State.DONE, 1)
    assert delivery.done_at is not None


def test_the_context_is_remembered(listener: Listener) -> None:
    organization, realm = uuid.uuid4(), uuid.uuid4()
    with bound(organization_id=organization, realm_id=realm, request_id="req-1"):
        event = events.emit("thing_happened", {})
    assert (event.organization_id, event.realm_id, event.request_id) == (organization, realm, "req-1")
    assert current().organization_id is None
    events.deliver_due()
    assert listener.organizations == [organization]


def test_an_undeclared_event_is_a_mistake(db: None) -> None:
    with pytest.raises(RegistryError):
        events.emit("nobody_declared_this", {})


def test_a_handler_may_not_want_it(listener: Listener) -> None:
    events.emit("thing_happened", {"loud": False})
    assert not EventDelivery.objects.exists()


def test_a_rolled_back_change_emits_nothing(listener: Listener) -> None:
    with transaction.atomic():
        events.emit("thing_happened", {})
        transaction.set_rollback(True)
    assert not DomainEvent.objects.exists()
    assert events.deliver_due() == 0


def test_a_failure_undoes_the_handlers_work_and_is_tried_later(listener: Listener) -> None:
    listener.error = ValueError("not today")
    with time_machine.travel("2026-05-01T12:00Z", tick=False) as clock:
        events.emit("thing_happened", {})
        assert events.deliver_due() == 1
        assert events.deliver_due() == 0
        delivery = only_delivery()
        assert (delivery.state, delivery.attempts, delivery.last_error) == (State.PENDING, 1, "ValueError: not today")
        assert not LoadedSeed.objects.exists()

        listener.error = None
        clock.shift(timedelta(seconds=3))
        assert events.deliver_due() == 1
    assert only_delivery().state == State.DONE
    assert (only_delivery().last_error, LoadedSeed.objects.count()) == ("", 1)


def give_up(listener: Listener) -> EventDelivery:
    listener.error = ValueError("never")
    with time_machine.travel("2026-05-01T12:00Z", tick=False) as clock:
        events.emit("thing_happened", {})
        for _attempt in range(events.MAX_ATTEMPTS + 2):
            events.deliver_due()
            clock.shift(timedelta(minutes=11))
    return only_delivery()


def test_after_the_last_attempt_it_is_given_up(listener: Listener) -> None:
    delivery = give_up(listener)
    assert (delivery.state, delivery.attempts) == (State.DEAD, events.MAX_ATTEMPTS)
    assert len(listener.heard) == events.MAX_ATTEMPTS


def test_what_was_given_up_can_be_replayed_once(listener: Listener) -> None:
    delivery = give_up(listener)
    listener.error = None
    events.replay(delivery)
    assert events.deliver_due() == 1
    assert only_delivery().state == State.DONE
    with pytest.raises(ConflictError):
        events.replay(delivery)


def test_a_handler_that_kills_its_worker_is_given_up(listener: Listener) -> None:
    listener.error = SystemExit()
    with time_machine.travel("2026-05-01T12:00Z", tick=False) as clock:
        events.emit("thing_happened", {})
        for attempt in range(1, events.MAX_ATTEMPTS + 1):
            with pytest.raises(SystemExit):
                events.deliver_due()
            assert (only_delivery().state, only_delivery().attempts) == (State.PENDING, attempt)
            assert events.deliver_due() == 0, "it rests for a while"
            clock.shift(ATTEMPT_LEASE)
        assert events.deliver_due() == 1
    delivery = only_delivery()
    assert (delivery.state, delivery.attempts) == (State.DEAD, events.MAX_ATTEMPTS)
    assert delivery.last_error == "WorkerDiedError: the worker died during the last attempt"
    assert len(listener.heard) == events.MAX_ATTEMPTS
    assert not LoadedSeed.objects.exists()


def test_a_handler_whose_worker_died_once_is_asked_again(listener: Listener) -> None:
    listener.error = SystemExit()
    with time_machine.travel("2026-05-01T12:00Z", tick=False) as clock:
        events.emit("thing_happened", {})
        with pytest.raises(SystemExit):
            events.deliver_due()
        listener.error = None
        clock.shift(ATTEMPT_LEASE)
        assert events.deliver_due() == 1
    assert (only_delivery().state, only_delivery().attempts, LoadedSeed.objects.count()) == (State.DONE, 2, 1)


@pytest.mark.django_db(transaction=True)
def test_a_delivery_is_few_statements(listener: Listener) -> None:
    with contributed(EventHandler("thing_happened", "idle", lambda event: None)):
        events.emit("thing_happened", {})
        EventDelivery.objects.exclude(handler="thing_happened:idle").delete()
        with CaptureQueriesContext(connection) as queries:
            assert events.deliver_due(limit=1) == 1
    words = [query["sql"].split()[0] for query in queries]
    assert words == ["UPDATE", "BEGIN", "SELECT", "SAVEPOINT", "RELEASE", "UPDATE", "COMMIT"], queries.captured_queries


def test_a_delivery_without_handler_waits_and_is_not_lost(listener: Listener) -> None:
    events.emit("thing_happened", {})
    EventDelivery.objects.update(handler="thing_happened:gone")
    events.deliver_due()
    assert only_delivery().state == State.PENDING
    assert "no handler is registered as 'thing_happened:gone'" in only_delivery().last_error


def test_one_bad_handler_does_not_hold_up_others(listener: Listener) -> None:
    heard: list[Any] = []
    listener.error = ValueError("no")
    with contributed(EventHandler("thing_happened", "zealous", heard.append)):
        events.emit("thing_happened", {})
        assert events.deliver_due() == 2
    assert len(heard) == 1
    assert sorted(EventDelivery.objects.values_list("handler", "state")) == [
        ("thing_happened:listener", State.PENDING),
        ("thing_happened:zealous", State.DONE),
    ]


def test_a_full_round_rings_for_the_next(listener: Listener, django_capture_on_commit_callbacks: Any) -> None:
    for _n in range(3):
        events.emit("thing_happened", {})
    with django_capture_on_commit_callbacks() as rung:
        assert events.deliver_due(limit=2) == 2
    assert len(rung) == 1
    with django_capture_on_commit_callbacks() as rung:
        assert events.deliver_due(limit=2) == 1
    assert not rung
