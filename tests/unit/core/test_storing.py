"""All or nothing behind a guard, as one statement where the database can."""

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from apps.core.clock import now
from apps.core.ids import new_id
from apps.core.models import DomainEvent, EventDelivery, JobRun
from apps.core.storing import store_if

pytestmark = pytest.mark.django_db(transaction=True)


def job_run(job="nightly", **fields):
    return JobRun.objects.create(job=job, slot=now(), started_at=now(), **fields)


def event_with_deliveries(handlers=("a:b", "a:c")):
    event = DomainEvent(name="run_finished", payload={"text": "100 % “sure”; \\ {}", "none": None})
    return [event, *(EventDelivery(event=event, handler=name, due_at=now()) for name in handlers)]


def test_everything_is_written_when_the_guard_holds():
    guarded, other = job_run(), job_run("other")
    other.outcome, other.state = "it's done", JobRun.State.FAILED
    with CaptureQueriesContext(connection) as queries:
        stored = store_if(
            JobRun.objects.filter(pk=guarded.pk, attempt=1),
            {"attempt": F("attempt") + 4, "outcome": "50 %"},
            new=event_with_deliveries(),
            changed=[(other, ("outcome", "state"))],
        )
    assert stored is True
    guarded.refresh_from_db()
    other.refresh_from_db()
    assert (guarded.attempt, guarded.outcome) == (5, "50 %")
    assert (other.outcome, other.state) == ("it's done", "failed")
    event = DomainEvent.objects.get()
    assert event.payload == {"text": "100 % “sure”; \\ {}", "none": None}
    assert event.created_at <= now()
    assert sorted(event.deliveries.values_list("handler", flat=True)) == ["a:b", "a:c"]
    if connection.vendor == "postgresql":
        assert len(queries) == 1


@pytest.mark.parametrize("inside", [False, True])
def test_nothing_is_written_when_the_guard_finds_no_row(inside):
    other = job_run("other")
    other.outcome = "changed"

    def store():
        return store_if(
            JobRun.objects.filter(pk=new_id()),
            {"attempt": 5},
            new=event_with_deliveries(),
            changed=[(other, ("outcome",))],
        )

    if inside:
        with transaction.atomic():
            assert store() is False
            assert JobRun.objects.count() == 1  # the transaction is still good
    else:
        assert store() is False
    other.refresh_from_db()
    assert other.outcome == ""
    assert not DomainEvent.objects.exists()
    assert not EventDelivery.objects.exists()


def test_a_broken_constraint_takes_everything_back():
    guarded = job_run()
    with pytest.raises(IntegrityError):
        store_if(JobRun.objects.filter(pk=guarded.pk), {"attempt": 5}, new=event_with_deliveries(("a:b", "a:b")))
    guarded.refresh_from_db()
    assert guarded.attempt == 1
    assert not DomainEvent.objects.exists()


def test_other_refusals_of_the_database_are_not_taken_for_a_missing_guard():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite does not check lengths")
    guarded = job_run()
    with pytest.raises(DataError):
        store_if(JobRun.objects.filter(pk=guarded.pk), {"state": "x" * 99})
