"""Building a mail from its row, and explaining what went wrong."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from apps.integrations.mail import transport
from apps.integrations.mail.transport import TransportError, build, send
from apps.integrations.models import MailMessage

Queue = Callable[..., MailMessage]


def test_every_attempt_builds_the_same_mail(queued: Queue) -> None:
    row = queued()
    again = MailMessage.objects.get(pk=row.pk)
    first, second = build(row).message(), build(again).message()
    assert first["Message-ID"] == f"<{row.public_id}@127.0.0.1>"
    assert {name: first[name] for name in first if name != "Content-Type"} == {
        name: second[name] for name in second if name != "Content-Type"
    }
    assert first["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("error", "transient"),
    [(OSError("disk full"), True), (RuntimeError("odd"), True), (UnicodeError("bad address"), False)],
)
def test_errors_are_explained(queued: Queue, error: Exception, transient: bool) -> None:
    row = queued()
    with patch.object(transport, "get_connection", side_effect=error), pytest.raises(TransportError) as told:
        send(row)
    assert (told.value.transient, str(told.value)) == (transient, f"{type(error).__name__}: {error}")


def test_a_backends_own_explanation_is_kept(queued: Queue) -> None:
    error = TransportError("busy", transient=True, retry_after=3)
    with patch.object(transport, "get_connection", side_effect=error), pytest.raises(TransportError) as told:
        send(queued())
    assert told.value is error


def test_django_keeps_test_mail_in_memory(queued: Queue, mailoutbox: list[Any]) -> None:
    send(queued())
    assert [mail.subject for mail in mailoutbox] == ["Hello Ann & welcome"]
