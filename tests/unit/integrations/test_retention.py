"""Forgetting old content."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from apps.integrations.models import ExternalEvent, MailMessage
from apps.integrations.retention import KEEP, forget_old_content

Queue = Callable[..., MailMessage]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "state", "forgotten"),
    [
        (KEEP + timedelta(minutes=1), MailMessage.State.SENT, True),
        (KEEP + timedelta(minutes=1), MailMessage.State.FAILED, True),
        (KEEP + timedelta(minutes=1), MailMessage.State.QUEUED, False),
        (KEEP + timedelta(minutes=1), MailMessage.State.SENDING, False),
        (KEEP - timedelta(minutes=1), MailMessage.State.SENT, False),
    ],
)
def test_mail(queued: Queue, age: timedelta, state: str, forgotten: bool) -> None:
    row = queued()
    MailMessage.objects.update(state=state, created_at=NOW - age)
    assert forget_old_content(NOW) == f"emptied {int(forgotten)} mails and 0 events"
    row.refresh_from_db()
    assert (row.text == "", row.html == "") == (forgotten, forgotten)
    assert row.subject
    assert forget_old_content(NOW).startswith("emptied 0 mails")


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "forgotten"), [("handled", 1), ("dead", 0), ("received", 0)])
def test_events(state: str, forgotten: int) -> None:
    old = NOW - KEEP - timedelta(minutes=1)
    ExternalEvent.objects.create(
        vendor="v", external_id="1", type="t", payload={"a": 1}, due_at=old, received_at=old, state=state
    )
    assert forget_old_content(NOW) == f"emptied 0 mails and {forgotten} events"
    assert ExternalEvent.objects.get().payload == ({} if forgotten else {"a": 1})
