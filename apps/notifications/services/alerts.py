"""Alarms: raised by what goes wrong, as often as it is seen, and told once."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.template import Context, Template

from apps.core.clock import now
from apps.core.kinds import AlertType, Severity
from apps.core.registry import registry
from apps.notifications.models import Alert


def fire(
    code: str, subject: str = "", data: Mapping[str, Any] | None = None, *, severity: Severity | None = None
) -> Alert:
    """Raise the alarm `code` about `subject`, or note that it is still so.

    May be called at every look: an open alarm is told once, until `resolve`. `data` fills the type's templates; what it
    holds is shown to staff and sent to their channels, so it holds no secret.
    """
    kind = registry(AlertType).get(code)
    if still_open := _again(code, subject):
        return still_open
    context = Context({"subject": subject, **(data or {})}, autoescape=False)
    moment = now()
    try:
        with transaction.atomic():
            return Alert.objects.create(
                code=code,
                subject=subject,
                severity=severity or kind.severity,
                title=Template(str(kind.title)).render(context)[:200],
                detail=Template(str(kind.body)).render(context)[:8000],
                began_at=moment,
                last_at=moment,
                resolved_at=None if kind.resolves else moment,
            )
    except IntegrityError:  # another process was faster
        return _again(code, subject) or fire(code, subject, data, severity=severity)


def _again(code: str, subject: str) -> Alert | None:
    alert = Alert.objects.filter(code=code, subject=subject, resolved_at__isnull=True).first()
    if alert is not None:
        Alert.objects.filter(pk=alert.pk).update(times=F("times") + 1, last_at=now())
    return alert


def resolve(code: str, subject: str = "") -> bool:
    """Say that an alarm is over; True when it was open. Its channels are told so once."""
    moment = now()
    return bool(Alert.objects.filter(code=code, subject=subject, resolved_at__isnull=True).update(resolved_at=moment))
