"""Leases: only those of dead workers are freed, and whoever keeps the others outlives the database."""

from datetime import timedelta

import pytest
from django.db import InterfaceError, OperationalError

from apps.core.clock import now
from apps.core.ids import new_id
from apps.workflows.engine import leases
from apps.workflows.models import Run

pytestmark = pytest.mark.django_db


def test_only_expired_leases_are_released(make):
    moment = now()
    dead = make(1, due_at=None, lease_until=moment - timedelta(seconds=1), lease_token=new_id(), state="running")[0]
    make(1, due_at=None, lease_until=moment + timedelta(seconds=5), lease_token=new_id(), state="running")
    assert leases.release_expired() == 1
    dead.refresh_from_db()
    assert (dead.lease_until, dead.lease_token) == (None, None)
    assert dead.due_at is not None


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_the_keeper_outlives_a_database_that_is_away(monkeypatch, error):
    def away():
        raise error("the server closed the connection")

    monkeypatch.setattr(Run.objects, "unscoped", away)
    monkeypatch.setattr(leases.connection, "close", lambda: None)
    leases.LeaseKeeper()._renew({new_id(): new_id()}, now())
