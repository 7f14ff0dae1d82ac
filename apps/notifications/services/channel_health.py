"""What the deliveries of a channel say about it: one that takes nothing is itself an alarm, told by the others."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import QuerySet

from apps.core.clock import now
from apps.integrations.mail.selectors import outcomes_by_key
from apps.notifications import routing
from apps.notifications.channels import ChannelError, masked, scheme_of
from apps.notifications.models import Alert, AlertChannel, AlertDelivery
from apps.notifications.routing import Route
from apps.notifications.selectors import open_alerts
from apps.notifications.services.alerts import end_of_gone, fire, resolve
from apps.notifications.services.telling import FAILING

LOOKED_AT = 20  # mails of a channel
UNREADABLE = "no key in ENCRYPTION_KEYS opens its address"


def works(route: Route) -> None:
    """A message arrived."""
    AlertChannel.objects.filter(name=route.name, failing_since__isnull=False).update(failing_since=None, last_error="")
    resolve(FAILING, route.name)


def fails(route: Route, error: ChannelError, *, given_up: bool) -> None:
    """A message did not arrive. Where it was given up, the other channels are told."""
    rows = AlertChannel.objects.filter(name=route.name)
    rows.filter(failing_since__isnull=True).update(failing_since=now())
    rows.update(last_error=str(error))
    if given_up:
        address = masked(route.url) if route.is_readable else rows.values_list("shown_url", flat=True).first()
        fire(FAILING, route.name, {"address": address, "error": str(error)})


def look_at_addresses() -> None:
    """A channel whose address no key opens takes nothing: staff hear so before there is something to tell it.

    An alarm about a channel ends, too, once that is gone, off, has another name or address, or what it got by mail
    arrived.
    """
    was_unreadable = set(AlertChannel.objects.filter(last_error=UNREADABLE).values_list("name", flat=True))
    for route in routing.of_rows():
        if not route.is_readable:
            fails(route, ChannelError(UNREADABLE, permanent=False), given_up=True)
        elif route.name in was_unreadable:
            works(route)
    for route in _failing_by_mail():
        if _got_mail_since(route, _last_trouble(route)):
            works(route)
    end_of_gone(FAILING, _failing())


def _failing() -> Iterator[str]:
    """The names of channels that may be failing still. Those without a row can't say: what they take next does."""
    yield from _rows_failing().values_list("name", flat=True)
    yield from (route.name for route in routing.routes() if not route.has_row)


def _rows_failing() -> QuerySet[AlertChannel]:
    return AlertChannel.objects.filter(enabled=True, failing_since__isnull=False)


def _failing_by_mail() -> list[Route]:
    alarmed = open_alerts().filter(code=FAILING).values_list("subject", flat=True)
    names = {*alarmed, *_rows_failing().filter(kind=AlertChannel.Kind.MAIL).values_list("name", flat=True)}
    found = routing.routes() if names else []
    return [route for route in found if route.name in names and scheme_of(route.url) == "mailto"]


def _last_trouble(route: Route) -> datetime:
    told = Alert.objects.filter(code=FAILING, subject=route.name).order_by("-pk").values_list("last_at", flat=True)
    marked = AlertChannel.objects.filter(name=route.name).values_list("failing_since", flat=True)
    return max((moment for moment in (told.first(), marked.first()) if moment is not None), default=now())


def _got_mail_since(route: Route, moment: datetime) -> bool:
    """Whether mail that left after the last trouble arrived. The first of it has had the longest time to come back."""
    sent = AlertDelivery.objects.filter(channel_key=route.key, state=AlertDelivery.State.SENT, sent_at__gt=moment)
    keys = [row.mail_key for row in sent.order_by("sent_at")[:LOOKED_AT]]
    return bool(keys) and any(outcome.arrived for outcome in outcomes_by_key(keys).values())
