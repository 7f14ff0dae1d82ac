"""Bodies of mail are encrypted: in new rows, in rows from before, and whatever becomes of the keys."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection, models
from django.db.migrations.state import ProjectState

from apps.core.crypto import decrypt, encrypt
from apps.core.encrypted import encrypted_columns
from apps.integrations.mail.delivery import send_due
from apps.integrations.models import MailMessage

Queue = Callable[..., MailMessage]
BODY = ("text", "html")


def stored() -> dict[str, tuple[str, str]]:
    """(text, HTML) as the database has them, by the mail's idempotency key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT idempotency_key, text, html FROM integrations_mailmessage")
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def write(key: str, text: str, html: str) -> None:
    """As the code before wrote it."""
    with connection.cursor() as cursor:
        statement = "UPDATE integrations_mailmessage SET text = %s, html = %s WHERE idempotency_key = %s"
        cursor.execute(statement, [text, html, key])


def test_the_database_never_sees_a_link(queued: Queue) -> None:
    row = queued()
    text, html = stored()["greeting:1"]
    assert "levqor.example/go" in row.text
    assert "levqor.example/go" in row.html
    assert "levqor" not in text + html
    again = MailMessage.objects.get()
    assert (again.text, again.html) == (row.text, row.html)


def test_the_rotation_covers_bodies() -> None:
    assert {field.name for model, field in encrypted_columns() if model is MailMessage} == set(BODY)


@pytest.fixture
def before() -> Any:
    """The models as they were before the migration: plain text."""
    state = ProjectState()
    first = importlib.import_module("apps.integrations.migrations.0001_initial").Migration
    first("0001_initial", "integrations").mutate_state(state, preserve=False)
    return state.apps


def test_rows_from_before_are_encrypted(queued: Queue, before: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    migration = importlib.import_module("apps.integrations.migrations.0002_sealed_mail")
    monkeypatch.setattr(migration, "BATCH", 2)
    for number in range(7):
        queued(str(number))
        write(str(number), f"plain {number}", f"<p>{number}</p>")
    write("3", "", "")  # forgotten already
    write("4", encrypt("plain 4"), "<p>4</p>")  # a run of the migration was killed here

    for _time in range(2):
        migration.seal(before, None)
        found = stored()
        assert found.pop("3") == ("", "")
        for key, (text, html) in found.items():
            assert (decrypt(text), decrypt(html)) == (f"plain {key}", f"<p>{key}</p>")
        assert MailMessage.objects.get(idempotency_key="6").text == "plain 6"

    migration.unseal(before, None)
    assert {key: row for key, row in stored().items() if key in "346"} == {
        "3": ("", ""),
        "4": ("plain 4", "<p>4</p>"),
        "6": ("plain 6", "<p>6</p>"),
    }


def test_a_mail_forgotten_meanwhile_stays_forgotten(
    queued: Queue, before: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = importlib.import_module("apps.integrations.migrations.0002_sealed_mail")
    queued()
    write("greeting:1", "plain", "<p>plain</p>")

    def slowly(text: str) -> str:
        write("greeting:1", "", "")
        return encrypt(text)

    monkeypatch.setattr(migration, "encrypt", slowly)
    migration.seal(before, None)
    assert stored()["greeting:1"] == ("", "")


def test_a_mail_whose_key_is_lost_keeps_no_other_waiting(queued: Queue, settings: Any) -> None:
    kept = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    lost = queued("lost")
    settings.ENCRYPTION_KEYS = kept
    queued("later")
    assert send_due() == 2
    states: models.QuerySet = MailMessage.objects.values_list("idempotency_key", "state", "uncertain_since")
    assert set(states) == {("lost", "queued", None), ("later", "sent", None)}
    assert "DecryptionError" in MailMessage.objects.defer(*BODY).get(pk=lost.pk).last_error
