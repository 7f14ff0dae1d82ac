"""What the watchdog's fault test asks the driver process to do."""

from typing import Any

from django.db import connection

from apps.core import heartbeat
from apps.core.models import Heartbeat
from apps.monitoring.services.outages import tell_channels
from apps.notifications.models import Alert, AlertChannel


def make_channel(url: str) -> None:
    """A webhook that gets all alarms."""
    AlertChannel.objects.create(name="Catcher", kind="webhook", url=url, shown_url="catcher")
    tell_channels()


def all_live() -> bool:
    """Whether beat, worker and watchdog have shown that they live, and a task was done."""
    return {"beat", "worker", "watchdog", "task"} <= set(Heartbeat.objects.values_list("process", flat=True)) and (
        heartbeat.is_fresh()
    )


def alerts() -> list[Any]:
    """The history: code, whether it is over, how many deliveries were made of it."""
    connection.close()  # it may be to a server that was killed
    codes = ("beat_down", "worker_down", "redis_down", "database_down")
    return [
        [alert.code, alert.resolved_at is not None, alert.deliveries.count()]
        for alert in Alert.objects.filter(code__in=codes)
    ]
