"""What notifications adds to the first page of the administration, and names of what staff do."""

from datetime import timedelta

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.ids import lowest_id
from apps.core.kinds import AuditAction, Figure, StaffFigures
from apps.core.registry import register
from apps.core.staff.display import list_url
from apps.core.staff.figures import counted
from apps.core.templatetags.levqor import number
from apps.notifications.models import Alert, AlertDelivery
from apps.notifications.selectors import open_alerts


def alarms() -> list[Figure]:
    """What goes on, what nobody looks after, what did not arrive."""
    going = open_alerts().exclude(severity__in=(Alert.Severity.INFO, Alert.Severity.SUCCESS)).order_by()
    seen = going.aggregate(  # one look, at the few rows that the index of open alerts holds
        all=Count("pk"),
        critical=Count("pk", filter=Q(severity=Alert.Severity.CRITICAL)),
        waiting=Count("pk", filter=Q(acknowledged_at__isnull=True)),
    )
    lately = AlertDelivery.objects.filter(pk__gte=lowest_id(now() - timedelta(days=7)))
    dead = counted(lately.filter(state=AlertDelivery.State.DEAD))
    return [
        Figure(
            _("Open alarms"),
            number(seen["all"]),
            tone="wait" if seen["all"] else "",
            url=list_url(Alert, state="open", period="any"),
        ),
        Figure(
            _("Critical"),
            number(seen["critical"]),
            tone="bad" if seen["critical"] else "",
            url=list_url(Alert, state="open", severity__exact="critical", period="any"),
        ),
        Figure(_("Not acknowledged"), number(seen["waiting"]), url=list_url(Alert, state="new", period="any")),
        Figure(
            _("Alarms not delivered"),
            dead,
            _("7 days"),
            "" if dead == "0" else "bad",
            list_url(AlertDelivery, state__exact="dead", period="7"),
        ),
    ]


register(
    StaffFigures("alarms", _("Alarms"), alarms, "notifications.view_alert", order=5),
    AuditAction("alert.acknowledged", _("Acknowledged an alarm")),
    AuditAction("alert.resolved_by_hand", _("Said that an alarm is over")),
    AuditAction("alert.sent_again", _("Sent an alarm again")),
    AuditAction("alert_channel.tested", _("Tested an alarm channel")),
    AuditAction("maintenance_window.ended", _("Ended a maintenance window")),
)
