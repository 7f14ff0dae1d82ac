"""A test event, and whether it was taken."""

from typing import Any

import sentry_sdk

PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.5  # the callback tells what is left when this much is not enough


def send_test_event(message: str) -> str:
    """Send an event. Returns why it was not taken, empty when it was.

    The transport tells nobody, so it is listened to meanwhile.
    """
    client: Any = sentry_sdk.get_client()
    if not client.is_active() or client.transport is None:
        return "not_started"
    transport, dropped, waiting = client.transport, [], []
    before = transport.on_dropped_event

    def listen(reason: str) -> None:
        dropped.append(reason)
        before(reason)

    transport.on_dropped_event = listen
    try:
        with sentry_sdk.new_scope() as scope:
            scope.set_tag("levqor.test", "weekly")
            event = sentry_sdk.capture_message(message, level="info")
            client.flush(timeout=PATIENCE_SECONDS)
            client.flush(timeout=LOOK_SECONDS, callback=lambda pending, _timeout: waiting.append(pending))
    finally:
        transport.on_dropped_event = before
    if event is None:
        return "filtered"
    if dropped:
        return str(dropped[0])
    return "not_sent" if any(waiting) else ""
