"""What the deliveries of a channel say about it: one that takes nothing is itself an alarm, told by the others."""

from apps.core.clock import now
from apps.notifications import routing
from apps.notifications.channels import ChannelError, masked
from apps.notifications.models import AlertChannel
from apps.notifications.routing import Route
from apps.notifications.services.alerts import fire, resolve
from apps.notifications.services.telling import FAILING

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
    """A channel whose address no key opens takes nothing: staff hear so before there is something to tell it."""
    was_unreadable = set(AlertChannel.objects.filter(last_error=UNREADABLE).values_list("name", flat=True))
    for route in routing.of_rows():
        if not route.is_readable:
            fails(route, ChannelError(UNREADABLE, permanent=False), given_up=True)
        elif route.name in was_unreadable:
            works(route)
