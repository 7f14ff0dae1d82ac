"""Requests by the minute: counted in memory, added to rows that several processes share."""

from datetime import UTC, datetime

import pytest
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st

from apps.core.tallies import Timing
from apps.monitoring.metrics import requests
from apps.monitoring.models import RequestMinute
from apps.monitoring.services.requests import THRESHOLDS, Minute

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_waits():
    requests.hand_over()
    requests._waiting.clear()
    yield
    requests.hand_over()
    requests._waiting.clear()


def test_processes_add_to_one_row():
    for _process in range(2):
        for status, seconds in ((200, 0.01), (200, 0.3), (500, 4.0), (404, 0.2)):
            requests.note("api", status, seconds)
        requests.hand_over()
        assert requests.store() == 1
    row = RequestMinute.objects.get()
    assert (row.total, row.failed, row.milliseconds) == (8, 2, 9020)
    assert (row.over_50, row.over_200, row.over_500, row.over_3000) == (6, 4, 2, 2)


def test_requests_of_every_kind_are_told_apart(client):
    client.get("/robots.txt")
    client.get("/nowhere")
    client.get("/api/v1/ping")
    client.get("/healthz")
    requests.hand_over()
    requests.store()
    assert dict(RequestMinute.objects.values_list("scope", "total")) == {"pages": 2, "api": 1}


def test_while_the_database_is_away_minutes_wait(monkeypatch):
    def away(*_values):
        raise OperationalError("away")

    requests.note("api", 200, 0.01)
    requests.hand_over()
    with monkeypatch.context() as patch:
        patch.setattr(requests, "add_minute", away)
        with pytest.raises(OperationalError):
            requests.store()
    requests.note("api", 200, 0.01)
    requests.hand_over()
    requests.store()
    assert RequestMinute.objects.get().total == 2


def test_what_waits_is_bounded(monkeypatch):
    monkeypatch.setattr(requests, "MINUTES_WAITING", 3)
    for number in range(6):
        requests._waiting["api", datetime(2026, 1, 1, 0, number, tzinfo=UTC)] = Minute(total=1)
    requests.note("pages", 200, 0.01)
    requests.hand_over()
    assert len(requests._waiting) == 3
    assert min(minute for _scope, minute in requests._waiting) == datetime(2026, 1, 1, 0, 4, tzinfo=UTC)


@given(st.lists(st.floats(0, 20, allow_nan=False), max_size=60))
def test_over_each_threshold_are_as_many_as_took_longer(times):
    timing = Timing("tried_seconds", "Help.", requests.FINE)
    for seconds in times:
        timing.add(seconds)
    counted = Minute()
    for timed in timing.fetch().values():
        counted.add(timed, requests.FINE, failed=False)
    assert counted.total == len(times)
    assert counted.over == [sum(seconds > bound / 1000 for seconds in times) for bound in THRESHOLDS]
