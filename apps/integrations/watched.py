"""How mail, vendors' events and payments do at this moment: for Prometheus and the status page."""

from collections.abc import Mapping
from datetime import timedelta

from apps.core.clock import now
from apps.core.gauges import few, lag
from apps.integrations.models import ExternalEvent, MailMessage, StripeObject

Values = Mapping[tuple[str, ...], float]
LATE = timedelta(minutes=10)


class LateError(Exception):
    """Something waits for longer than anybody should."""


def mail() -> Values:
    """Mail that is to go out now."""
    return {(): few(MailMessage.objects.filter(state=MailMessage.State.QUEUED, due_at__lte=now()))}


def mail_lag() -> Values:
    """How late the oldest mail is."""
    return {(): lag(MailMessage.objects.filter(state=MailMessage.State.QUEUED))}


def vendor_events() -> Values:
    """Vendors' events that nobody handled yet, and those given up."""
    due = ExternalEvent.objects.filter(state=ExternalEvent.State.RECEIVED, due_at__lte=now())
    dead = ExternalEvent.objects.filter(state=ExternalEvent.State.DEAD)
    return {("due",): few(due), ("dead",): few(dead)}


def webhook_lag() -> Values:
    """For how long the oldest vendor's event has waited since it came."""
    return {(): lag(ExternalEvent.objects.filter(state=ExternalEvent.State.RECEIVED), "due_at")}


def stripe_objects() -> Values:
    """What is to be looked at at Stripe now."""
    return {(): few(StripeObject.objects.filter(state=StripeObject.State.WAITING, due_at__lte=now()))}


def mail_goes_out() -> str:
    """Whether mail leaves in time. Raises `LateError`."""
    oldest = (
        MailMessage.objects.filter(state=MailMessage.State.QUEUED, attempts=0)  # what a vendor refused is another thing
        .order_by("due_at")
        .values_list("due_at", flat=True)
        .first()
    )
    if oldest is not None and now() - oldest > LATE:
        raise LateError(f"mail waits since {oldest:%H:%M} UTC")
    return "mail goes out"


def payments_are_followed() -> str:
    """Whether what happens at Stripe is heard and looked at in time. Raises `LateError`.

    It looks at our backlog alone and asks nothing of Stripe, which limits how often it may be asked: whether cards are
    taken there, Stripe's own status page tells.
    """
    for rows, what in (
        (ExternalEvent.objects.filter(vendor="stripe", state=ExternalEvent.State.RECEIVED, attempts=0), "an event"),
        (StripeObject.objects.filter(state=StripeObject.State.WAITING, attempts=0), "an object"),
    ):
        if lag(rows) > LATE.total_seconds():
            raise LateError(f"{what} of Stripe's waits for {round(lag(rows))} s")
    return "payments are followed"
