"""What the deliveries of a channel say about it: one that takes nothing is itself an alarm, told by the others."""

from apps.core.clock import now
from apps.notifications.channels import ChannelError, masked
from apps.notifications.models import AlertChannel
from apps.notifications.routing import Route
from apps.notifications.services.alerts import fire, resolve
from apps.notifications.services.telling import FAILING


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
        fire(FAILING, route.name, {"address": masked(route.url), "error": str(error)})
