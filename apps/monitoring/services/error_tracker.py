"""A test event for the error tracker once a week: whoever is told of no error should know that errors would arrive."""

from datetime import datetime
from typing import Any

import sentry_sdk
from django.utils.translation import gettext as _

from apps.notifications.services import alerts

PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.5  # the callback tells what is left when this much is not enough
ALERT = "error_tracker_away"


class ErrorTrackerAwayError(RuntimeError):
    """The test event was not taken."""


def sentry_test(slot: datetime) -> str:
    """The job. Raises `ErrorTrackerAwayError` when the tracker is set up and did not take the event."""
    client = sentry_sdk.get_client()
    if not client.is_active() or not client.dsn or client.transport is None:
        alerts.resolve(ALERT)
        return _("no error tracker is set up")
    refused = _send(client, f"Weekly test of the error tracker, {slot:%Y-%m-%d %H:%M} UTC")
    if refused:
        alerts.fire(ALERT, data={"reason": refused})
        raise ErrorTrackerAwayError(refused)
    alerts.resolve(ALERT)
    return _("the error tracker took the test event")


def _send(client: Any, message: str) -> str:
    """Why the event was not taken; empty when it was. The transport tells nobody: it is listened to meanwhile."""
    transport, dropped, waiting = client.transport, [], []
    told = transport.on_dropped_event

    def listen(reason: str) -> None:
        dropped.append(reason)
        told(reason)

    transport.on_dropped_event = listen
    try:
        with sentry_sdk.new_scope() as scope:
            scope.set_client(client)
            scope.set_tag("levqor.test", "weekly")
            event = sentry_sdk.capture_message(message, level="info")
            client.flush(timeout=PATIENCE_SECONDS)
            client.flush(timeout=LOOK_SECONDS, callback=lambda pending, _timeout: waiting.append(pending))
    finally:
        transport.on_dropped_event = told
    if event is None:
        return _("it was filtered out before it was sent")
    if dropped:
        return _("it was refused: %(reason)s") % {"reason": dropped[0]}
    return _("it was not sent within %(seconds)d seconds") % {"seconds": PATIENCE_SECONDS} if any(waiting) else ""
