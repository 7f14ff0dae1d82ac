"""What was on its way when a handler got another name arrives."""

import importlib

import pytest
from django.apps import apps

from apps.core.clock import now
from apps.core.models import DomainEvent, EventDelivery

migration = importlib.import_module("apps.usage.migrations.0003_handlers_name")
BEFORE, AFTER = migration.BEFORE, migration.AFTER


@pytest.mark.django_db
def test_what_waits_for_the_old_handler_goes_to_the_new_one_once() -> None:
    moment = now()
    for states in ({BEFORE: "pending"}, {BEFORE: "dead"}, {BEFORE: "done"}, {BEFORE: "pending", AFTER: "pending"}):
        event = DomainEvent.objects.create(name="quota_reached")
        EventDelivery.objects.bulk_create(
            EventDelivery(event=event, handler=handler, state=state, due_at=moment) for handler, state in states.items()
        )
    (operation,) = migration.Migration.operations
    operation.code(apps, None)
    found = EventDelivery.objects.order_by("event_id", "handler").values_list("handler", "state")
    assert list(found) == [
        (AFTER, "pending"), (AFTER, "dead"), (BEFORE, "done"), (AFTER, "pending"), (BEFORE, "pending"),
    ]  # fmt: skip
