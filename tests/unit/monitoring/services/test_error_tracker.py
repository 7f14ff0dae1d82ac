"""The weekly test event, at a tracker that takes it, refuses it, or is not there."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import sentry_sdk

from apps.integrations.sentry.setup import options
from apps.monitoring.services import error_tracker
from apps.notifications.models import Alert

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


class _Tracker(BaseHTTPRequestHandler):
    status, taken = 200, 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).taken += 1
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Quiet."""


class TestErrorTracker:
    @pytest.fixture
    def tracker(self, settings: Any) -> Iterator[type[_Tracker]]:
        """An error tracker on this machine, for which the library is set up."""

        class Handler(_Tracker):
            pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        settings.SENTRY_DSN = f"http://publickey@127.0.0.1:{server.server_port}/1"
        client = sentry_sdk.Client(**options())
        before = sentry_sdk.get_global_scope().client
        sentry_sdk.get_global_scope().set_client(client)
        yield Handler
        sentry_sdk.get_global_scope().set_client(before)
        client.close(timeout=1)
        server.shutdown()
        server.server_close()
        thread.join()

    def test_none_is_set_up(self) -> None:
        assert error_tracker.sentry_test(NOON) == "no error tracker is set up"

    def test_set_up_but_not_started(self, settings: Any) -> None:
        settings.SENTRY_DSN = "https://publickey@sentry.example/1"
        with pytest.raises(error_tracker.ErrorTrackerAwayError, match="started before SENTRY_DSN was set"):
            error_tracker.sentry_test(NOON)

    def test_taken(self, tracker: type[_Tracker]) -> None:
        assert error_tracker.sentry_test(NOON) == "the error tracker took the test event"
        assert tracker.taken >= 1

    def test_refused_is_told_until_it_is_taken(self, tracker: type[_Tracker]) -> None:
        tracker.status = 403
        with pytest.raises(error_tracker.ErrorTrackerAwayError, match="it was refused: status_403"):
            error_tracker.sentry_test(NOON)
        assert Alert.objects.get(code=error_tracker.ALERT).resolved_at is None
        tracker.status = 200
        error_tracker.sentry_test(NOON)
        assert Alert.objects.get(code=error_tracker.ALERT).resolved_at is not None
