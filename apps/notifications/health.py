"""What `manage.py doctor` says about alarms."""

from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.clock import now
from apps.core.ids import lowest_id
from apps.core.kinds import Checked
from apps.notifications.channels import refusal_of
from apps.notifications.models import AlertChannel, AlertDelivery
from apps.notifications.routing import of_rows

LATE = timedelta(minutes=5)


def alert_channels() -> Checked:
    """Whether somebody would hear of an alarm."""
    for position, url in enumerate(settings.ALERT_URLS, start=1):
        if why := refusal_of(url):
            return "failed", _("Address %(position)d of ALERT_URLS: %(why)s.") % {"position": position, "why": why}
    if lost := [route.name for route in of_rows() if not route.is_readable]:
        return "failed", _("No key opens the address of these channels: %(names)s.") % {"names": ", ".join(lost)}
    moment = now()
    lately = AlertDelivery.objects.filter(pk__gte=lowest_id(moment - timedelta(days=1)))
    if dead := lately.filter(state=AlertDelivery.State.DEAD).count():
        words = ngettext(
            "%(dead)d alarm of the last day did not reach its channel.",
            "%(dead)d alarms of the last day did not reach their channel.",
            dead,
        )
        return "failed", words % {"dead": dead}
    on_its_way = (AlertDelivery.State.PENDING, AlertDelivery.State.POSTED)
    waiting = AlertDelivery.objects.filter(state__in=on_its_way, held=False, due_at__lt=moment - LATE)
    if late := waiting.count():
        words = ngettext(
            "%(late)d alarm waits for more than five minutes: is a worker running?",
            "%(late)d alarms wait for more than five minutes: is a worker running?",
            late,
        )
        return "failed", words % {"late": late}
    channels = AlertChannel.objects.filter(enabled=True).count() + len(settings.ALERT_URLS)
    if not channels:
        told = _("No alarm channel is set up: superusers get alarms by mail.")
        return ("warning" if settings.LEVQOR_ENV == "production" else "ok"), told
    words = ngettext("Alarms go to %(channels)d channel.", "Alarms go to %(channels)d channels.", channels)
    return "ok", words % {"channels": channels}
