"""What the watchdog's fault test asks the driver process to do."""

from typing import Any

from django.db import connection

from apps.core import heartbeat
from apps.core.models import Heartbeat
from apps.monitoring.services.outages import tell_channels
from apps.notifications.models import Alert, AlertChannel


def make_channels(url: str) -> None:
    """Webhooks under an address: one that gets all alarms, one those of workers, one what is escalated."""
    for name, fields in (("alarms", {}), ("work", {"codes": ["worker_*"]}), ("nights", {"escalations_only": True})):
        AlertChannel.objects.create(name=name, kind="webhook", url=f"{url}/{name}", shown_url="catcher", **fields)
    tell_channels()


def all_live() -> bool:
    """Whether beat, worker and watchdog have shown that they live, and a task was done."""
    return {"beat", "worker", "watchdog", "task"} <= set(Heartbeat.objects.values_list("process", flat=True)) and (
        heartbeat.is_fresh()
    )


def workers() -> int:
    """How many there are by their signs."""
    return Heartbeat.objects.filter(process="worker").count()


def alerts() -> list[Any]:
    """The history: code, whether it is over, how many deliveries were made of it."""
    connection.close()  # it may be to a server that was killed
    codes = ("beat_down", "worker_down", "worker_lost", "redis_down", "database_down")
    return [
        [alert.code, alert.resolved_at is not None, alert.deliveries.count()]
        for alert in Alert.objects.filter(code__in=codes)
    ]
