"""What is told, and what is left to the log."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from django.core.handlers.base import BaseHandler
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
    django_as_it_was = BaseHandler.get_response
    root = logging.getLogger()
    before = list(root.handlers)
    SENT.clear()
    setup.start(light=True)
    yield
    root.handlers[:] = before
    for name in setup.SILENT_LOGGERS:
        unignore_logger(name)
    # Not `init()`: without options it goes into Django for good, and everything after it takes a tenth longer.
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)
    assert django_as_it_was is BaseHandler.get_response


def test_anybody_can_send_what_django_refuses_and_it_is_no_event(started: None) -> None:
    stranger = Client(raise_request_exception=False)
    for number in range(3):
        assert stranger.get(f"/x{number}%00").status_code == 400
    assert SENT == []
    logging.getLogger("library").error("it broke")
    assert len(SENT) == 1


HEADERS = [
    {},
    {"sentry-trace": f"{'a' * 32}-{'b' * 16}-1"},
    {"sentry-trace": f"{'a' * 32}-{'b' * 16}-0"},
    {"sentry-trace": f"{'a' * 32}-{'b' * 16}-1", "baggage": f"sentry-trace_id={'a' * 32},sentry-sample_rand=0.000001"},
    {"sentry-trace": f"{'a' * 32}-{'b' * 16}", "baggage": f"sentry-trace_id={'a' * 32},sentry-sample_rand=0.000001"},
]


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("lot", [0.3, 0.1])
def test_whoever_sends_a_trace_does_not_decide_whether_it_is_kept(
    started: None, settings: Any, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], lot: float
) -> None:
    monkeypatch.setattr(settings.ENV, "SENTRY_TRACES_SAMPLE_RATE", 0.2)
    monkeypatch.setattr("random.random", lambda: lot)
    monkeypatch.setattr("sentry_sdk.tracing._generate_sample_rand", lambda *_of: lot)
    sentry_sdk.init(**setup.options() | {"traces_sampler": setup.share_of})
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    transaction = sentry_sdk.continue_trace(environ, op="http.server", name="x")
    with sentry_sdk.start_transaction(transaction, custom_sampling_context={"wsgi_environ": environ}):
        pass
    assert len(SENT) == (1 if lot < 0.2 else 0)
