"""What the watchdog saw, as history: it has told the channels itself, so nothing here is sent."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from apps.core import heartbeat
from apps.monitoring.watchdog.alarms import ALARMS, BY_CODE, body, title
from apps.notifications import routing
from apps.notifications.models import Alert

TICK_TASK = "monitoring.tell_channels"
TICK_SECONDS = 30


def record(told: Iterable[Mapping[str, Any]]) -> int:
    """Write the watchdog's alarms down, or that they are over. Doing so again changes nothing. Returns how many."""
    return sum(_record(item) for item in told if item["code"] in BY_CODE)


def _record(item: Mapping[str, Any]) -> bool:
    began = datetime.fromisoformat(item["began_at"])
    over = datetime.fromisoformat(item["over_at"]) if item["over_at"] else None
    same = Alert.objects.filter(code=item["code"], subject="")
    if same.filter(began_at=began).update(last_at=over or began, resolved_at=over):
        return True
    same.filter(resolved_at=None, began_at__lt=began).update(resolved_at=began)  # an end that was never told
    try:
        with transaction.atomic():
            Alert.objects.create(
                code=item["code"],
                severity=BY_CODE[item["code"]].severity,
                title=title(item["code"]),
                detail=body(item["code"], str(item["seen"]))[:8000],
                began_at=began,
                last_at=over or began,
                resolved_at=over,
            )
    except IntegrityError:  # another watchdog was faster
        return False
    return True


def tell_channels() -> None:
    """Let the watchdog know whom to alarm, while there is a database to ask. Raises `ValueError` for too many.

    Addresses are long: each is in the book once, with the alarms that ring there and those that come without a sound.
    """
    book = []
    for route in routing.routes():
        taken = [alarm for alarm in ALARMS if route.takes(alarm.severity, alarm.code)]
        silent = [alarm.code for alarm in taken if route.silent_for(alarm.severity)]
        rings = [alarm.code for alarm in taken if alarm.code not in silent]
        if taken:
            book.append((route.name, route.url, rings, silent))
    heartbeat.sign("channels", told=json.dumps({"channels": book}, ensure_ascii=False, separators=(",", ":")))
