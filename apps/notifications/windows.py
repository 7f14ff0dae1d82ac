"""When alarms are recorded and not told."""

from datetime import datetime

from apps.notifications.models import Alert, MaintenanceWindow
from apps.notifications.routing import matches


def held_until(alert: Alert, moment: datetime) -> datetime | None:
    """The end of the last window that covers an alarm at this moment; None when it may be told."""
    running = MaintenanceWindow.objects.filter(starts_at__lte=moment, ends_at__gt=moment)
    return max((window.ends_at for window in running if covers(window, alert)), default=None)


def covers(window: MaintenanceWindow, alert: Alert) -> bool:
    """Whether a window is about this alarm, whatever the time."""
    return (not window.codes or matches(window.codes, alert.code)) and (
        not window.subjects or matches(window.subjects, alert.subject)
    )
