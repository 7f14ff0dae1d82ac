"""Which channels are to be told what about an alarm: rows of the outbox, in the transaction that changes the alarm.

A channel believes what it was told last. An alarm that opens is told to those that don't believe it open yet, one that
is over to those that do; so nobody is told twice, and of an end only who was told of the beginning.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import structlog
from django.db.models import Q, QuerySet

from apps.core.clock import now
from apps.core.doorbell import ring
from apps.core.templatetags.levqor import duration
from apps.notifications import routing
from apps.notifications.models import Alert, AlertDelivery
from apps.notifications.routing import Route
from apps.notifications.windows import held_until

log = structlog.get_logger(__name__)

SEND_TASK = "notifications.send_alerts"
FAILING = "alert_channel_failing"
# An alarm that comes and goes is told to be over only once it has been quiet for so long.
QUIET = timedelta(minutes=10)

Kind, State = AlertDelivery.Kind, AlertDelivery.State
# Of these no attempt can have arrived: they may still be called off.
NEVER_LEFT = Q(state=State.PENDING, lease_until=None, uncertain=False)
TOLD = Q(state__in=(State.PENDING, State.POSTED, State.SENT))  # or about to be
PERHAPS_TOLD = TOLD | Q(uncertain=True)
TELLS_OF_IT = (Kind.FIRED, Kind.WORSENED, Kind.ESCALATED, Kind.REMINDED)


def tell_open(alert: Alert) -> None:
    """The alarm is open: tell the channels it goes to that don't believe so yet."""
    _call_off(alert, Kind.RESOLVED)
    believing = believers(alert)
    fresh = [route for route in _routes_for(alert) if route.key not in believing]
    _make(alert, Kind.FIRED, f"fired:{alert.episode}", fresh)


def tell_worse(alert: Alert) -> None:
    """The alarm is graver than what was told: everybody it goes to hears it again, also those it did not go to yet."""
    _call_off(alert, Kind.FIRED, Kind.WORSENED)  # what never left would only say the same in milder words
    _make(alert, Kind.WORSENED, f"worsened:{alert.episode}:{alert.severity}", _routes_for(alert))


def tell_over(alert: Alert, knowing: Collection[str] = ()) -> None:
    """The alarm is over: tell the channels that were told of it, or are about to be. Those in `knowing` know already.

    What a maintenance window held back all the while is not told at all.
    """
    held = AlertDelivery.objects.filter(NEVER_LEFT, alert=alert, kind__in=TELLS_OF_IT, held=True)
    _skip(held, "over before the maintenance ended")
    _call_off(alert, Kind.ESCALATED, Kind.REMINDED)
    routes = _routes_named(believers(alert, perhaps=True).difference(knowing))
    wait = QUIET if alert.episode > 1 else timedelta()
    _make(alert, Kind.RESOLVED, end_of(alert), routes, wait)


def end_of(alert: Alert) -> str:
    """The name of the present episode's end."""
    return f"resolved:{alert.episode}"


def tell_again(alert: Alert, kind: str, step: str, routes: Iterable[Route] | None) -> int:
    """A reminder or an escalation, to these channels or, with None, to those that believe the alarm open.

    Where none does by what is written here (the watchdog told them, or none took it) it goes to all that it concerns.
    """
    if routes is None:
        told = believers(alert)
        routes = _routes_named(told) if told else _routes_for(alert)
    return _make(alert, kind, step, routes)


def believers(alert: Alert, *, perhaps: bool = False) -> set[str]:
    """The channels that believe the alarm to be open, or will once what is on its way has arrived.

    `perhaps`: also those that may have got a message which was given up without an answer.
    """
    told = AlertDelivery.objects.filter(PERHAPS_TOLD if perhaps else TOLD)
    latest = dict(told.filter(alert=alert).exclude(kind=Kind.TEST).order_by("pk").values_list("channel_key", "kind"))
    return {key for key, kind in latest.items() if kind != Kind.RESOLVED}


def _routes_named(keys: Iterable[str]) -> list[Route]:
    return [route for route in (routing.named(key) for key in sorted(keys)) if route is not None]


def _routes_for(alert: Alert) -> list[Route]:
    found = [route for route in routing.routes() if route.takes(alert.severity, alert.code)]
    if alert.code != FAILING:
        return found
    # That a channel can't be reached is not told to itself; where no other is left, superusers are.
    others = [route for route in found if alert.subject != route.name]
    return others or [route for route in routing.of_superusers() if alert.subject != route.name]


def _make(alert: Alert, kind: str, step: str, routes: Iterable[Route], wait: timedelta = timedelta()) -> int:
    moment = now()
    until = held_until(alert, moment)
    severity = Alert.Severity.SUCCESS if kind == Kind.RESOLVED else alert.severity
    rows = [
        AlertDelivery(
            alert=alert,
            kind=kind,
            step=step,
            channel_key=route.key,
            channel_name=route.name[:120],
            severity=severity,
            title=headline(alert, kind),
            detail=alert.detail if kind != Kind.RESOLVED else _how_long(alert),
            held=until is not None,
            due_at=max(moment + wait, until or moment),
        )
        for route in routes
    ]
    AlertDelivery.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:
        ring(SEND_TASK)
    elif kind == Kind.FIRED and not believers(alert):
        log.error("alert_told_to_nobody", code=alert.code, severity=alert.severity)
    return len(rows)


def headline(alert: Alert, kind: str) -> str:
    """What a message says first. Alarms are told in English: they go to staff, in many places at once."""
    prefix = {
        Kind.WORSENED: "Worse: ",
        Kind.ESCALATED: "Nobody has acknowledged: ",
        Kind.REMINDED: "Still open: ",
        Kind.RESOLVED: "Over: ",
    }.get(Kind(kind), "Again: " if alert.episode > 1 else "")
    return f"{prefix}{alert.title}"[:200]


def _how_long(alert: Alert) -> str:
    if alert.resolved_at is None:
        return ""
    return f"It lasted {duration((alert.resolved_at - alert.began_at).total_seconds() * 1000)}."


def _call_off(alert: Alert, *kinds: str) -> None:
    _skip(AlertDelivery.objects.filter(NEVER_LEFT, alert=alert, kind__in=kinds), "overtaken by what came after")


def _skip(rows: QuerySet[AlertDelivery], why: str) -> None:
    rows.update(state=State.SKIPPED, last_error=why, held=False)


def looks_again_at(moment: datetime) -> None:
    """After a window changed: what it held, or holds no more, is looked at anew."""
    AlertDelivery.objects.filter(state=State.PENDING, held=True, due_at__gt=moment).update(due_at=moment)
    ring(SEND_TASK)
