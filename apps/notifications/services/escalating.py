"""Alarms that nobody acknowledges are told further, and again."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Prefetch

from apps.core.clock import now
from apps.notifications import routing
from apps.notifications.models import Alert, AlertDelivery, EscalationRule
from apps.notifications.routing import RANKS, matches
from apps.notifications.services.telling import tell_again
from apps.notifications.windows import held_until

ESCALATE_TASK = "notifications.escalate_alerts"
Kind = AlertDelivery.Kind


def escalate_due() -> int:
    """Make the escalations and reminders that are due. Returns how many messages."""
    rules = list(EscalationRule.objects.filter(enabled=True).prefetch_related(Prefetch("channels", routing.sealed())))
    if not rules:
        return 0
    moment = now()
    soonest = moment - timedelta(minutes=min(rule.after_minutes for rule in rules))
    waiting = Alert.objects.filter(resolved_at__isnull=True, acknowledged_at__isnull=True, began_at__lte=soonest)
    return sum(_escalate(alert, rules, moment) for alert in waiting.order_by("pk").iterator(chunk_size=200))


def _escalate(alert: Alert, rules: list[EscalationRule], moment: datetime) -> int:
    if held_until(alert, moment) is not None:
        return 0  # what is still open after the window is told then, and escalated by the first look after it
    return sum(_apply(rule, alert, moment) for rule in rules if _concerns(rule, alert))


def _concerns(rule: EscalationRule, alert: Alert) -> bool:
    return RANKS[alert.severity] >= RANKS[rule.least_severity] and (not rule.codes or matches(rule.codes, alert.code))


def _apply(rule: EscalationRule, alert: Alert, moment: datetime) -> int:
    """The step of a rule that is due now. Those that were missed meanwhile are not made up for."""
    waited = (moment - alert.open_since).total_seconds() / 60 - rule.after_minutes
    if waited < 0:
        return 0
    number = int(waited // rule.repeat_minutes) if rule.repeat_minutes else 0
    kind = Kind.REMINDED if number else Kind.ESCALATED
    step = f"{kind}:{rule.pk}:{number}" + (f":{alert.episode}" if alert.episode > 1 else "")
    if AlertDelivery.objects.filter(alert=alert, step=step).exists():
        return 0
    chosen = [routing.of_row(channel) for channel in rule.channels.all() if channel.enabled]
    routes = routing.readable(chosen) if chosen else None  # all deleted or off: whoever was told in the first place
    with transaction.atomic():
        still = Alert.objects.select_for_update(no_key=True).filter(
            pk=alert.pk, resolved_at__isnull=True, acknowledged_at__isnull=True
        )
        fresh = still.first()
        return tell_again(fresh, kind, step, routes) if fresh else 0
