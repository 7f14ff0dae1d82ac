"""Events enter the database with their part of the totals."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from apps.usage.models import UsageEvent, UsageHourToSum, UsageTotal
from apps.usage.services import recording
from apps.usage.services.recording import add, record_events
from tests.common.gates import record
from tests.common.roles import make_organization

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def totals(organization):
    rows = UsageTotal.objects.for_organization(organization)
    return {(row.period, row.meter, row.category): row.total for row in rows}


def test_totals_by_category_and_all_together(organization):
    for category, value in (("runs", 1), ("ping", 1), ("runs", 1), ("runs", -1)):
        record(organization, NOON, category=category, value=value)
    record(organization, NOON, meter="tokens", value=40)
    assert totals(organization) == {
        ("2026-11", "api_calls", ""): 2,
        ("2026-11", "api_calls", "runs"): 1,
        ("2026-11", "api_calls", "ping"): 1,
        ("2026-11", "tokens", ""): 40,
        ("2026-11", "tokens", "runs"): 40,
    }
    assert UsageHourToSum.objects.for_organization(organization).get().noted == 5


def test_an_event_that_arrives_twice_is_refused_with_its_totals(organization):
    event = record(organization, NOON)
    twin = UsageEvent(**{**UsageEvent.objects.for_organization(organization).values().get(), "id": None})
    assert twin.source_id == event.source_id
    with pytest.raises(IntegrityError), transaction.atomic():
        record_events([twin], ["2026-11"])
    assert totals(organization)["2026-11", "api_calls", ""] == 1


def test_each_event_adds_to_the_period_it_was_counted_for(organization):
    """Which the caller says: on the border of two months Redis's clock and the event's may differ."""
    event = UsageEvent(organization=organization, at=NOON, hour=NOON, meter="m", category="c", value=1, source_id="1")
    record_events([event], ["2026-10"])
    assert set(totals(organization)) == {("2026-10", "m", ""), ("2026-10", "m", "c")}


def test_nothing_is_recorded_of_nothing(organization):
    record_events([], [])
    assert not totals(organization)


def test_large_amounts_go_in_batches(organization, owner, monkeypatch):
    monkeypatch.setattr(recording, "BATCH", 2)
    other = make_organization(owner, "Other")
    amounts = {(one.pk, f"2026-{month:02}", "m", ""): month for one in (organization, other) for month in range(1, 6)}
    for _time in range(2):
        add(UsageTotal, "total", amounts)
    assert sum(totals(organization).values()) == sum(totals(other).values()) == 30


def test_all_who_add_do_so_in_the_same_order(organization, owner):
    """So that no two transactions wait for each other."""
    amounts = {
        (one.pk, "2026-11", "m", category): 1
        for one in (make_organization(owner, "Other"), organization)
        for category in ("b", "", "a")
    }
    said = []

    def note(execute, sql, params, many, context):
        said.append(params)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        add(UsageTotal, "total", amounts)
        add(UsageTotal, "total", dict(reversed(amounts.items())))
    assert said[0] == said[1]
