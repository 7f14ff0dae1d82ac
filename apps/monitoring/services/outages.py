"""What the watchdog saw, as history. It has told the channels itself; what is told further is told from here."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from apps.core import heartbeat
from apps.monitoring.watchdog.alarms import ALARMS, BY_CODE
from apps.monitoring.watchdog.judging import PROCESSES
from apps.monitoring.watchdog.telling import address_key
from apps.notifications import routing
from apps.notifications.channels import Address
from apps.notifications.models import Alert
from apps.notifications.services import alerts
from apps.notifications.wording import words_of

TICK_TASK = "monitoring.tell_channels"
TICK_SECONDS = 30


def record(told: Iterable[Mapping[str, Any]]) -> int:
    """Write the watchdog's alarms down, or that they are over. Doing so again changes nothing. Returns how many."""
    routes = {address_key(Address(route.name, route.url)): route for route in routing.routes()}
    written = sum(_record(item, routes) for item in told if item["code"] in BY_CODE)
    dead = Alert.objects.filter(code__in=PROCESSES, subject="", resolved_at=None).values_list("code", flat=True)
    heartbeat.call_dead(PROCESSES[code] for code in dead)
    return written


def _record(item: Mapping[str, Any], routes: Mapping[str, routing.Route]) -> bool:
    began = datetime.fromisoformat(item["began_at"])
    over = datetime.fromisoformat(item["over_at"]) if item["over_at"] else None
    kind, same = BY_CODE[item["code"]], Q(code=item["code"], subject="")
    words = words_of(kind, "", {"seen": str(item["seen"])})
    data = words.data | {"told_by_the_watchdog": sorted(_names(item.get("began_told", {}), routes))}
    with transaction.atomic():
        if Alert.objects.filter(same, began_at=began).update(last_at=over or began, data=data):
            if over:
                alerts.end(same & Q(began_at=began), over, _knowing(item, routes))
            return True
    alerts.end(same & Q(began_at__lt=began), began)  # an end that was never told
    try:
        with transaction.atomic():
            Alert.objects.create(
                code=kind.code,
                severity=kind.severity,
                title=words.title,
                detail=words.detail,
                data=data,
                began_at=began,
                last_at=over or began,
                resolved_at=over,
            )
    except IntegrityError:  # another watchdog was faster
        return False
    return True


def _knowing(item: Mapping[str, Any], routes: Mapping[str, routing.Route]) -> set[str]:
    """The channels that hear of the end from the watchdog."""
    return {routes[key].key for key in item.get("over_told", {}) if key in routes}


def _names(told: Mapping[str, str], routes: Mapping[str, routing.Route]) -> Iterable[str]:
    """The channels that heard of the beginning, or why one did not: as staff know them, those still there."""
    for key, what in told.items():
        if key in routes:
            yield routes[key].name if what == "told" else f"{routes[key].name} ({what})"


def tell_channels() -> None:
    """Let the watchdog know whom to alarm, while there is a database to ask. Raises `ValueError` for too many."""
    heartbeat.sign("channels", told=_book())


def too_many_channels() -> bool:
    """Whether their book is longer than the watchdog is told: it goes on with the one that it has."""
    return len(_book()) > heartbeat.LONGEST_TOLD


def _book() -> str:
    """Addresses are long: each is in the book once, with the alarms that ring there and those without a sound."""
    book = []
    for route in routing.routes():
        taken = [alarm for alarm in ALARMS if route.takes(alarm.severity, alarm.code)]
        silent = [alarm.code for alarm in taken if route.silent_for(alarm.severity)]
        rings = [alarm.code for alarm in taken if alarm.code not in silent]
        if taken:
            book.append((route.name, route.url, rings, silent))
    return json.dumps({"channels": book}, ensure_ascii=False, separators=(",", ":"))
