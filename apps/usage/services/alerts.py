"""Telling organizations how much of their quota is used: at 80 and at 100 %, once in each period.

A quota that was changed meanwhile is another one, of which they are told anew.
"""

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.events import emit
from apps.usage.models import QuotaAlert, UsageTotal
from apps.usage.periods import month_of
from apps.usage.selectors import totals_with_quota

TICK_TASK = "usage.alert_quotas"
QUOTA_REACHED = "quota_reached"
SHARES = (80, 100)


def alert_quotas() -> int:
    """Make the alerts that are due, each with its event. Returns how many."""
    return sum(_alert(row, percent) for percent in SHARES for row in _due(percent).iterator(chunk_size=500))


def _due(percent: int) -> QuerySet[UsageTotal]:
    """This month's totals that have reached so much of their quota and were not told of."""
    period = month_of(now()).name
    told = QuotaAlert.objects.unscoped().filter(
        organization_id=OuterRef("organization_id"), period=period, percent=percent, quota=OuterRef("quota")
    )
    return totals_with_quota(period).filter(quota__gt=0, total__gte=F("quota") * percent / 100.0).exclude(Exists(told))


def _alert(row: UsageTotal, percent: int) -> int:
    organization: Organization = row.organization
    quota: int = row.quota  # type: ignore[attr-defined] # annotated by `_due`
    with transaction.atomic():
        _alert_row, made = QuotaAlert.objects.unscoped().get_or_create(
            organization=organization,
            period=row.period,
            percent=percent,
            quota=quota,
            defaults={"calls": row.total},
        )
        if made:
            emit(
                QUOTA_REACHED,
                {"percent": percent, "calls": row.total, "quota": quota, "period": row.period},
                organization_id=organization.pk,
                realm_id=organization.realm_id,
            )
    return int(made)
