"""What core forgets, and what it never does."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session

from apps.core.clock import now
from apps.core.models import DomainEvent, EventDelivery, JobRun
from apps.core.retention import KEEP_EVENTS, KEEP_JOB_RUNS, forget_old_rows

pytestmark = pytest.mark.django_db


def old_event(state=None):
    event = DomainEvent.objects.create(name="x")
    DomainEvent.objects.filter(pk=event.pk).update(created_at=now() - KEEP_EVENTS - timedelta(days=1))
    if state:
        EventDelivery.objects.create(event=event, handler="h", state=state, due_at=now())
    return event.pk


def test_only_consumed_events_are_forgotten(monkeypatch):
    monkeypatch.setattr("apps.core.rows.BATCH", 1)
    gone = {old_event(), old_event("done")}
    kept = {old_event("pending"), old_event("dead"), DomainEvent.objects.create(name="new").pk}
    forget_old_rows(now())
    assert set(DomainEvent.objects.values_list("pk", flat=True)) == kept
    assert not gone & kept


def test_job_records_are_kept_for_a_quarter():
    for age, finished in ((91, now()), (91, None), (10, now())):
        JobRun.objects.create(
            job="j", slot=now() - timedelta(days=age, seconds=bool(finished)), started_at=now(), finished_at=finished
        )
    forget_old_rows(now())
    assert JobRun.objects.count() == 2
    assert timedelta(days=90) == KEEP_JOB_RUNS


def test_sessions_go_when_they_have_expired():
    for key, hours in (("old", -1), ("new", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=now() + timedelta(hours=hours))
    forget_old_rows(now())
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]
