"""What the status page is told of mail and payments."""

from datetime import timedelta
from typing import Any

import pytest

from apps.core.clock import now
from apps.core.kinds import StatusComponent
from apps.core.registry import registry
from apps.integrations import watched
from apps.integrations.models import ExternalEvent

pytestmark = pytest.mark.django_db


def test_payments_are_our_backlog_and_nothing_is_asked_of_stripe(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_arguments: Any, **_options: Any) -> Any:
        raise AssertionError("the probe went out")

    monkeypatch.setattr("socket.socket.connect", asked)
    component = registry(StatusComponent).get("payments")
    assert component.probe() == "payments are followed"
    values = {"vendor": "stripe", "type": "invoice.paid", "received_at": now(), "due_at": now()}
    event = ExternalEvent.objects.create(external_id="evt_1", **values)
    assert component.probe() == "payments are followed"
    ExternalEvent.objects.filter(pk=event.pk).update(due_at=now() - watched.LATE - timedelta(seconds=5))
    with pytest.raises(watched.LateError):
        component.probe()
    assert "provider" in str(component.description), "it says what it does not look at"
