"""What is told, and what is left to the log."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from django.test import Client
from sentry_sdk.integrations.logging import unignore_logger
from sentry_sdk.transport import Transport

from apps.integrations.sentry import setup

pytestmark = pytest.mark.django_db
SENT: list[Any] = []


class Kept(Transport):
    """Keeps what would be sent."""

    def capture_envelope(self, envelope: Any) -> None:
        SENT.append(envelope)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The library as in a web process; afterwards it is off."""
    options = setup.options() | {"dsn": "http://k@127.0.0.1:9/1", "transport": Kept}
    monkeypatch.setattr(setup, "options", lambda: options)
    root = logging.getLogger()
    before = list(root.handlers)
    SENT.clear()
    setup.start(light=True)
    yield
    root.handlers[:] = before
    for name in setup.SILENT_LOGGERS:
        unignore_logger(name)
    sentry_sdk.init()


def test_anybody_can_send_what_django_refuses_and_it_is_no_event(started: None) -> None:
    stranger = Client(raise_request_exception=False)
    for number in range(3):
        assert stranger.get(f"/x{number}%00").status_code == 400
    assert SENT == []
    logging.getLogger("library").error("it broke")
    assert len(SENT) == 1
