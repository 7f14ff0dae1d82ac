"""What the doctor says."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from apps.integrations import health
from apps.integrations.models import ExternalEvent, MailMessage

Queue = Callable[..., MailMessage]
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("environment", "kind", "webhook", "state", "words"),
    [
        ("local", "file", "", "ok", "files in"),
        ("local", "console", "", "ok", "printed"),
        ("production", "file", "", "failed", "NO MAIL LEAVES THIS INSTALLATION"),
        ("production", "console", "", "failed", "NO MAIL LEAVES THIS INSTALLATION"),
        ("production", "resend", "", "warning", "bounces are not reported"),
        ("production", "resend", "whsec_eA==", "ok", "Resend"),
    ],
)
def test_the_transport(
    settings: Any, tmp_path: Path, environment: str, kind: str, webhook: str, state: str, words: str
) -> None:
    settings.LEVQOR_ENV, settings.MAIL_TRANSPORT = environment, kind
    settings.RESEND_WEBHOOK_SECRET, settings.EMAIL_FILE_PATH = webhook, str(tmp_path / "not" / "yet")
    found, text = health.mail_transport()
    assert found == state
    assert words in text


def test_a_folder_that_cannot_be_written(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings.EMAIL_FILE_PATH = str(tmp_path)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert health.mail_transport()[0] == "failed"


KEY, SECRETS = "a1" * 20, ["whsec_" + "b2" * 20]


@pytest.mark.parametrize(
    ("key", "fake", "secrets", "state", "words"),
    [
        ("", False, [], "failed", "Nothing can be bought"),
        (f"sk_test_{KEY}", True, SECRETS, "warning", "Test payments: no money moves"),
        (f"sk_test_{KEY}", False, SECRETS, "warning", "test mode: no money moves"),
        (f"rk_live_{KEY}", False, [], "failed", "STRIPE_WEBHOOK_SECRET is not set"),
        (f"rk_live_{KEY}", False, SECRETS, "ok", "Payments go through Stripe"),
    ],
)
def test_payments(settings: Any, key: str, fake: bool, secrets: list[str], state: str, words: str) -> None:
    settings.STRIPE_API_KEY, settings.STRIPE_IS_FAKE, settings.STRIPE_WEBHOOK_SECRETS = key, fake, secrets
    found, text = health.payments()
    assert found == state
    assert words in text
    assert KEY not in text


def test_a_test_key_in_production_is_a_mistake(settings: Any) -> None:
    settings.STRIPE_API_KEY, settings.STRIPE_IS_FAKE = f"sk_test_{KEY}", False
    settings.STRIPE_WEBHOOK_SECRETS, settings.LEVQOR_ENV = SECRETS, "production"
    found, text = health.payments()
    assert found == "failed"
    assert "NO MONEY MOVES" in text
    assert KEY not in text


def test_the_outbox(queued: Queue) -> None:
    assert health.mail_outbox()[0] == "ok"
    with time_machine.travel(START, tick=False):
        row = queued()
        MailMessage.objects.update(due_at=START, created_at=START)
    for minutes, state in ((4, "ok"), (6, "failed")):
        with time_machine.travel(START + timedelta(minutes=minutes), tick=False):
            assert health.mail_outbox()[0] == state
    MailMessage.objects.filter(pk=row.pk).update(state=MailMessage.State.FAILED)
    for hours, state in ((23, "warning"), (25, "ok")):
        with time_machine.travel(START + timedelta(hours=hours), tick=False):
            assert health.mail_outbox()[0] == state


def test_a_mail_whose_worker_died_is_late_too(queued: Queue) -> None:
    queued()
    MailMessage.objects.update(state=MailMessage.State.SENDING, lease_until=START)
    with time_machine.travel(START + timedelta(minutes=6), tick=False):
        assert health.mail_outbox()[0] == "failed"


@pytest.mark.django_db
def test_the_inbox(settings: Any) -> None:
    settings.RESEND_WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"good").decode()
    assert health.event_inbox()[0] == "ok"
    event = ExternalEvent.objects.create(vendor="v", external_id="1", type="t", due_at=START, received_at=START)
    assert health.event_inbox()[0] == "failed"
    ExternalEvent.objects.filter(pk=event.pk).update(state=ExternalEvent.State.DEAD)
    assert health.event_inbox()[0] == "warning"
    settings.RESEND_WEBHOOK_SECRET = "whsec_"
    assert "malformed" in health.event_inbox()[1]
