"""What events lead to: one look at a time at each object, as often as it takes, whatever comes in between."""

from datetime import timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.utils import timezone

from apps.core.errors import ConflictError
from apps.core.kinds import VendorObjectHandler
from apps.core.models import DomainEvent
from apps.core.registry import contributed
from apps.integrations.models import StripeObject
from apps.integrations.stripe import watching
from apps.integrations.stripe.errands import LEASE
from apps.integrations.stripe.errors import StripeMissingError, StripeUnavailableError
from apps.integrations.stripe.watching import MAX_ATTEMPTS, NeededFirstError, look_at_due, look_now, note, replay

pytestmark = pytest.mark.django_db
KIND, ID = "coupon", "launch50"  # a kind that nobody else looks at
State = StripeObject.State


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


class Looking:
    """Stripe's answers and a handler, both of which do what a test says. What the handler wrote shows."""

    def __init__(self):
        self.fetched, self.answers, self.meanwhile = 0, [], lambda: None

    def fetch_raw(self, kind, object_id):
        self.fetched += 1
        if self.answers:
            raise self.answers.pop(0)
        return {"id": object_id, "object": kind, "number": self.fetched}

    def handle(self, found):
        DomainEvent.objects.create(name="looked", payload={"number": found["number"]})
        self.meanwhile()

    @property
    def seen(self):
        rows = DomainEvent.objects.filter(name="looked").order_by("pk")
        return [row.payload["number"] for row in rows]


@pytest.fixture
def looking(clock):
    made = Looking()
    with (
        contributed(VendorObjectHandler("stripe", KIND, "tests", made.handle)),
        patch("apps.core.doorbell.current_app.send_task"),
        patch.object(watching, "stripe", return_value=made),
        patch.object(watching.reading, "read", lambda kind, raw: raw),
        patch.object(watching, "mirror"),
        patch.object(watching, "forget"),
    ):
        yield made


def row():
    return StripeObject.objects.get(kind=KIND, object_id=ID)


def test_what_is_told_of_is_looked_at_once(looking):
    for _time in range(3):
        note(KIND, ID)
    assert (look_at_due(), look_at_due(), looking.seen) == (1, 0, [1])
    assert (row().state, row().noted, row().attempts, row().lease_until) == (State.SEEN, 3, 0, None)
    note(KIND, ID)
    assert (look_at_due(), looking.seen) == (1, [1, 2])


def test_what_nobody_keeps_leaves_no_row(looking):
    note("balance", "ba_1")
    note(KIND, "")
    assert not StripeObject.objects.exists()


def test_told_of_while_it_is_looked_at_it_is_looked_at_again(looking):
    note(KIND, ID)
    looking.meanwhile = lambda: (setattr(looking, "meanwhile", lambda: None), note(KIND, ID))
    assert (look_at_due(), looking.seen) == (2, [1, 2])
    assert (row().state, row().noted) == (State.SEEN, 2)


def test_whoever_took_longer_than_the_lease_writes_nothing(looking, clock):
    """What two fetched might be written in the other order."""
    note(KIND, ID)

    def another_worker_meanwhile():
        looking.meanwhile = lambda: None
        clock.shift(LEASE + timedelta(seconds=1))
        assert watching._claim().pk == row().pk
        DomainEvent.objects.create(name="told", payload={})

    looking.meanwhile = another_worker_meanwhile
    look_at_due(1)
    assert looking.seen == []
    assert not DomainEvent.objects.filter(name="told").exists(), "with all that the handler did"
    clock.shift(LEASE + timedelta(seconds=1))
    assert (look_at_due(), looking.seen) == (1, [2])


def test_one_worker_at_a_time(looking):
    note(KIND, ID)
    looking.meanwhile = lambda: look_at_due()
    assert look_at_due() == 1
    look_now(KIND, ID)
    assert looking.seen == [1, 2]


def test_stripe_away_it_is_tried_later_and_not_too_soon(looking, clock):
    note(KIND, ID)
    looking.answers = [StripeUnavailableError(retry_after=7)]
    look_at_due()
    assert (row().state, row().attempts, row().due_at - timezone.now()) == (State.WAITING, 1, timedelta(seconds=7))
    assert "StripeUnavailableError" in row().last_error
    assert look_at_due() == 0
    clock.shift(7)
    assert (look_at_due(), looking.seen, row().last_error) == (1, [2], "")


def test_a_handler_that_needs_another_object_first(looking, clock):
    note(KIND, ID)

    def refuse():
        looking.meanwhile = lambda: None
        raise NeededFirstError(KIND, "other")

    looking.meanwhile = refuse
    look_at_due()
    assert (looking.seen, row().state) == ([2], State.WAITING)
    assert StripeObject.objects.get(object_id="other").state == State.SEEN
    clock.shift(5)
    look_at_due()
    assert (looking.seen, row().state) == ([2, 3], State.SEEN)


def test_what_is_gone_is_not_handed_on(looking):
    note(KIND, ID)
    looking.answers = [StripeMissingError()]
    assert (look_at_due(), looking.seen, row().state) == (1, [], State.SEEN)
    assert watching.forget.called


def test_it_is_given_up_and_can_be_looked_at_again(looking, clock):
    note(KIND, ID)
    with pytest.raises(ConflictError):
        replay(row())

    def fail():
        raise RuntimeError("no luck")

    looking.meanwhile = fail
    for _time in range(MAX_ATTEMPTS + 2):
        look_at_due()
        clock.shift(3600)
    assert (row().state, row().attempts, row().last_error) == (State.DEAD, MAX_ATTEMPTS, "RuntimeError: no luck")
    assert looking.seen == []
    looking.meanwhile = lambda: None
    replay(row())
    assert (look_at_due(), row().state, row().attempts) == (1, State.SEEN, 0)


def test_an_object_that_kills_its_workers_is_given_up(looking, clock):
    note(KIND, ID)
    for _time in range(MAX_ATTEMPTS):
        assert watching._claim() is not None  # and never heard of again
        assert look_at_due() == 0
        clock.shift(LEASE + timedelta(seconds=1))
    assert look_at_due() == 1
    assert (row().state, looking.fetched) == (State.DEAD, 0)
    assert "the worker died" in row().last_error


def test_it_stops_at_its_limit_and_rings_for_the_rest(looking):
    for number in range(3):
        note(KIND, f"code{number}")
    with patch.object(watching, "ring") as ring:
        assert look_at_due(limit=2) == 2
    ring.assert_called_once_with(watching.LOOK_TASK)
