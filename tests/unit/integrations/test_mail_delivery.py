"""Sending the outbox: leases, retries, ends."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from apps.core.context import current
from apps.core.models import DomainEvent
from apps.integrations.mail import delivery, transport
from apps.integrations.mail.delivery import LEASE, LONGEST_PAUSE, MAX_ATTEMPTS, MEMORY, pause_before, send_due
from apps.integrations.mail.services import queue_mail
from apps.integrations.mail.transport import TransportError
from apps.integrations.models import MailMessage
from tests.common.threads import run_in_threads, shared_database

Queue = Callable[..., MailMessage]
State = MailMessage.State
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Vendor:
    """Stands for the transport: does what `script` says, then succeeds."""

    def __init__(self) -> None:
        self.script: list[BaseException] = []
        self.calls: list[str] = []

    def send(self, row: MailMessage) -> str:
        self.calls.append(row.public_id)
        if self.script:
            raise self.script.pop(0)
        return f"vendor-{len(self.calls)}"


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    fake = Vendor()
    with patch.object(transport, "send", fake.send):
        yield fake


@pytest.fixture(autouse=True)
def _quiet_doorbell() -> Iterator[None]:
    with patch("apps.core.doorbell.current_app.send_task"):
        yield


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def busy(**options: Any) -> TransportError:
    return TransportError("busy", transient=True, **options)


class Killed(BaseException):
    """The process ends here, whatever it was doing."""


def test_a_mail_is_sent_once(queued: Queue, vendor: Vendor) -> None:
    row = queued()
    assert (send_due(), send_due()) == (1, 0)
    row.refresh_from_db()
    assert (row.state, row.attempts, row.provider_message_id, row.lease_until) == (State.SENT, 1, "vendor-1", None)
    assert row.sent_at is not None
    assert vendor.calls == [row.public_id]


def test_the_longest_waiting_goes_first(queued: Queue, vendor: Vendor, clock: time_machine.Traveller) -> None:
    rows = [queued(str(number)) for number in range(3)]
    for row, minutes in zip(rows, (1, 3, 2), strict=True):
        MailMessage.objects.filter(pk=row.pk).update(due_at=START - timedelta(minutes=minutes))
    send_due()
    assert vendor.calls == [rows[1].public_id, rows[2].public_id, rows[0].public_id]


def test_a_mail_that_is_not_due_waits(queued: Queue, vendor: Vendor, clock: time_machine.Traveller) -> None:
    queued()
    MailMessage.objects.update(due_at=START + timedelta(seconds=1))
    assert send_due() == 0
    clock.shift(1)
    assert send_due() == 1


def test_a_passing_failure_is_tried_again_later(queued: Queue, vendor: Vendor, clock: time_machine.Traveller) -> None:
    row = queued()
    vendor.script = [busy(retry_after=60.0)]
    assert send_due() == 1
    row.refresh_from_db()
    assert (row.state, row.last_error, row.lease_until, row.uncertain_since) == (State.QUEUED, "busy", None, None)
    assert timedelta(seconds=60) <= row.due_at - START <= timedelta(seconds=65)
    clock.shift(66)
    send_due()
    row.refresh_from_db()
    assert (row.state, row.attempts, row.last_error) == (State.SENT, 2, "")


def test_a_refusal_is_final_and_told(queued: Queue, vendor: Vendor) -> None:
    row = queued()
    vendor.script = [TransportError("no such domain", transient=False)]
    assert send_due() == 1
    row.refresh_from_db()
    assert (row.state, row.last_error, row.attempts) == (State.FAILED, "no such domain", 1)
    event = DomainEvent.objects.get()
    assert (event.name, event.payload) == (
        "mail_undeliverable",
        {"mail": row.public_id, "template": "greeting", "state": "failed"},
    )
    assert send_due() == 0


@pytest.mark.parametrize(("ambiguous", "end"), [(False, State.FAILED), (True, State.UNKNOWN)])
def test_after_the_last_attempt_it_ends(
    queued: Queue, vendor: Vendor, clock: time_machine.Traveller, ambiguous: bool, end: str
) -> None:
    row = queued()
    vendor.script = [busy(ambiguous=ambiguous) for _number in range(MAX_ATTEMPTS)]
    for _number in range(MAX_ATTEMPTS + 3):
        send_due()
        clock.shift(LONGEST_PAUSE + 10)
    row.refresh_from_db()
    assert (row.state, row.attempts, len(vendor.calls)) == (end, MAX_ATTEMPTS, MAX_ATTEMPTS)
    assert DomainEvent.objects.count() == 1


def test_an_unforeseen_error_is_a_passing_one(queued: Queue) -> None:
    row = queued()
    with patch.object(transport, "get_connection", side_effect=RuntimeError("odd\nthing")):
        send_due()
    row.refresh_from_db()
    assert (row.state, row.last_error) == (State.QUEUED, "RuntimeError: odd thing")
    assert row.uncertain_since is not None


def test_a_killed_worker_loses_nothing(queued: Queue, vendor: Vendor, clock: time_machine.Traveller) -> None:
    row = queued()
    vendor.script = [Killed()]
    with pytest.raises(Killed):
        send_due()
    row.refresh_from_db()
    assert row.state == State.SENDING
    assert send_due() == 0  # its lease still holds
    clock.shift(LEASE)
    assert send_due() == 1
    row.refresh_from_db()
    assert (row.state, row.attempts, row.uncertain_since) == (State.SENT, 2, START)


def test_a_mail_that_kills_every_worker_ends_as_unknown(
    queued: Queue, vendor: Vendor, clock: time_machine.Traveller
) -> None:
    row = queued()
    vendor.script = [Killed() for _number in range(MAX_ATTEMPTS + 5)]
    for _number in range(MAX_ATTEMPTS):
        with pytest.raises(Killed):
            send_due()
        clock.shift(LEASE)
    assert send_due() == 1
    row.refresh_from_db()
    assert (row.state, len(vendor.calls)) == (State.UNKNOWN, MAX_ATTEMPTS)
    assert send_due() == 0


@pytest.mark.parametrize(("kind", "sent"), [("resend", False), ("file", True)])
def test_no_repeat_once_the_vendor_has_forgotten_the_key(
    queued: Queue, vendor: Vendor, clock: time_machine.Traveller, settings: Any, kind: str, sent: bool
) -> None:
    settings.MAIL_TRANSPORT = kind
    row = queued()
    vendor.script = [Killed()]
    with pytest.raises(Killed):
        send_due()
    clock.shift(MEMORY + timedelta(seconds=1))
    send_due()
    row.refresh_from_db()
    assert row.state == (State.SENT if sent else State.UNKNOWN)
    assert len(vendor.calls) == (2 if sent else 1)


def test_a_definite_answer_may_be_repeated_however_late(
    queued: Queue, vendor: Vendor, clock: time_machine.Traveller, settings: Any
) -> None:
    settings.MAIL_TRANSPORT = "resend"
    row = queued()
    vendor.script = [busy()]
    send_due()
    clock.shift(timedelta(days=3))
    send_due()
    row.refresh_from_db()
    assert row.state == State.SENT


def test_a_late_failure_does_not_undo_the_next_workers_success(queued: Queue, clock: time_machine.Traveller) -> None:
    """The first worker is slow, loses its lease, and fails after the second one has sent the mail."""
    row = queued()
    calls: list[str] = []

    def slow_then_quick(message: MailMessage) -> str:
        calls.append("called")
        if len(calls) == 1:
            clock.shift(LEASE)
            assert send_due() == 1
            raise TransportError("too slow", transient=False)
        return "second"

    with patch.object(transport, "send", slow_then_quick):
        send_due()
    row.refresh_from_db()
    assert (row.state, row.provider_message_id, row.last_error) == (State.SENT, "second", "")
    assert not DomainEvent.objects.exists()


def test_a_late_success_is_true_even_after_the_next_worker_failed(queued: Queue, clock: time_machine.Traveller) -> None:
    row = queued()
    calls: list[str] = []

    def slow_then_refused(message: MailMessage) -> str:
        calls.append("called")
        if len(calls) == 1:
            clock.shift(LEASE)
            assert send_due() == 1
            return "first"
        raise TransportError("refused", transient=False)

    with patch.object(transport, "send", slow_then_refused):
        send_due()
    row.refresh_from_db()
    assert (row.state, row.provider_message_id) == (State.SENT, "first")


def test_what_the_vendor_told_meanwhile_stays(queued: Queue) -> None:
    row = queued()

    def delivered_before_we_know(message: MailMessage) -> str:
        MailMessage.objects.filter(pk=message.pk).update(state=State.DELIVERED)
        return "id"

    with patch.object(transport, "send", delivered_before_we_know):
        send_due()
    row.refresh_from_db()
    assert (row.state, row.provider_message_id) == (State.DELIVERED, "id")


def test_it_stops_at_its_limit_and_rings_for_the_rest(queued: Queue, vendor: Vendor) -> None:
    for number in range(3):
        queued(str(number))
    with patch.object(delivery, "ring") as ring:
        assert send_due(limit=2) == 2
    assert ring.called
    assert send_due() == 1


def test_the_sender_works_in_the_mails_own_realm(queued: Queue) -> None:

    realm = DomainEvent().pk
    row = queued(realm_id=realm)
    seen: list[object] = []
    with patch.object(transport, "send", lambda message: seen.append(current().realm_id) or ""):
        send_due()
    assert seen == [realm]
    assert row.realm_id == realm


@given(attempt=st.integers(1, MAX_ATTEMPTS), retry_after=st.none() | st.floats(0, 1e6))
def test_pauses_are_bounded_and_never_sooner_than_asked(attempt: int, retry_after: float | None) -> None:
    pause = pause_before(attempt, retry_after)
    assert 0 <= pause <= LONGEST_PAUSE + 5
    if retry_after:
        assert pause >= min(retry_after, LONGEST_PAUSE)
    else:
        assert pause <= 10 * 2 ** (attempt - 1)


def test_all_pauses_together_stay_within_the_vendors_memory() -> None:
    longest = sum(min(LONGEST_PAUSE, 10 * 2 ** (attempt - 1)) for attempt in range(1, MAX_ATTEMPTS))
    assert timedelta(seconds=longest) < timedelta(hours=23)


@pytest.mark.usefixtures("mail_templates")
@pytest.mark.django_db(transaction=True)
def test_two_workers_share_the_work_and_send_nothing_twice(tmp_path: Path) -> None:

    calls: list[str] = []

    def queue() -> None:
        for number in range(20):
            queue_mail("plain", "a@example.com", {}, idempotency_key=str(number))

    def states() -> set[str]:
        return set(MailMessage.objects.values_list("state", flat=True))

    with (
        shared_database(tmp_path, MailMessage, DomainEvent),
        patch.object(transport, "send", lambda row: calls.append(row.public_id) or ""),
    ):
        run_in_threads(queue)
        done = run_in_threads(send_due, send_due)
        (seen,) = run_in_threads(states)
    assert sum(done) == 20
    assert (len(calls), len(set(calls)), seen) == (20, 20, {"sent"})
