"""Counting and deleting in bounded steps."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from apps.core import rows
from apps.core.clock import now
from apps.core.models import DomainEvent, EventDelivery
from apps.core.staff.figures import MOST_COUNTED, capped

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _events() -> None:
    DomainEvent.objects.bulk_create(DomainEvent(name=name) for name in "aaaaab")


def test_it_counts_no_further_than_it_has_to() -> None:
    events = DomainEvent.objects.order_by("name")
    assert [rows.count_up_to(events, most) for most in (3, 6, 9)] == [3, 6, 6]
    assert capped(events) == 6
    assert rows.count_up_to(events.none(), MOST_COUNTED) == 0


def test_batch_after_batch_and_what_went_with_them_is_not_counted(
    monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(rows, "BATCH", 2)
    EventDelivery.objects.bulk_create(
        EventDelivery(event=event, handler="h", due_at=now()) for event in DomainEvent.objects.all()
    )
    assert rows.delete_in_batches(DomainEvent.objects.filter(name="a").order_by("pk")) == 5
    assert EventDelivery.objects.count() == DomainEvent.objects.count() == 1


def test_what_does_not_fulfil_the_condition_any_more_stays() -> None:
    """It was listed, and used before its batch was deleted."""
    listed: list[str] = []

    def used(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if listed and "used" not in listed:
            listed.append("used")
            DomainEvent.objects.filter(name="b").update(created_at=now() + timedelta(days=1))
        listed.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(used):
        assert rows.delete_in_batches(DomainEvent.objects.filter(created_at__lte=now())) == 5
    assert DomainEvent.objects.get().name == "b"
