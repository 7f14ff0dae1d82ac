"""A test event for the error tracker once a week: whoever is told of no error should know that errors would arrive."""

from datetime import datetime
from importlib import import_module

from django.conf import settings
from django.utils.translation import gettext as _

from apps.notifications.services import alerts

ALERT = "error_tracker_away"
TRIAL = "apps.integrations.sentry.trial"  # imported where there is a tracker: its library costs a tenth of a second


class ErrorTrackerAwayError(RuntimeError):
    """The test event was not taken."""


def sentry_test(slot: datetime) -> str:
    """The job. Raises `ErrorTrackerAwayError` when the tracker is set up and did not take the event."""
    if not settings.SENTRY_DSN:
        alerts.resolve(ALERT)
        return _("no error tracker is set up")
    refused = _explain(import_module(TRIAL).send_test_event(f"Weekly test of the error tracker, {slot:%Y-%m-%d} UTC"))
    if refused:
        alerts.fire(ALERT, data={"reason": refused})
        raise ErrorTrackerAwayError(refused)
    alerts.resolve(ALERT)
    return _("the error tracker took the test event")


def _explain(reason: str) -> str:
    if not reason:
        return ""
    words = {
        "not_started": _("this process tells no errors: it was started before SENTRY_DSN was set"),
        "filtered": _("it was filtered out before it was sent"),
        "not_sent": _("it was not sent within ten seconds"),
    }
    return words.get(reason) or _("it was refused: %(reason)s") % {"reason": reason}
