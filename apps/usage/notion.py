"""What usage keeps at Notion: API keys with their calls, and who reached their quota. Ids alone, no name and no key."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Sum, Value
from django.db.models.functions import Coalesce

from apps.accounts.models import ApiKey, User
from apps.core.clock import now
from apps.core.ids import to_public
from apps.core.kinds import NotionDatabase, NotionProperty, NotionRow
from apps.core.models import DomainEvent
from apps.integrations.notion.syncing import API_KEYS, order_table
from apps.usage.gate.port import METER
from apps.usage.models import QuotaAlert, UsageHour
from apps.usage.periods import month_of
from apps.usage.plans import PLANS
from apps.usage.selectors import totals_with_quota

CHUNK = 2_000
QUOTA_ALERTS = "quota_alerts"
ALERTS_KEPT = timedelta(days=400)
WITHIN, NEAR, EXCEEDED = "Within", "80 % used", "Exceeded"


def key_rows() -> Iterator[NotionRow]:
    """Every live key that was not revoked, with its calls of this month up to the last hour that was summed up."""
    month = month_of(now())
    hours = UsageHour.objects.unscoped().filter(meter=METER, hour__gte=month.start, hour__lt=month.end)
    calls = dict(hours.order_by().values_list("key_id").annotate(Sum("total")))
    quotas = _quotas(month.name)
    keys = ApiKey.objects.unscoped().filter(organization__livemode=True).exclude(state=ApiKey.State.REVOKED)
    tier = Coalesce("organization__usage_limits__plan", Value(settings.API_DEFAULT_PLAN))
    rows = keys.annotate(tier=tier).values_list("pk", "created_by_id", "organization_id", "tier", "state", "created_at")
    for key, user, organization, plan, state, created_at in rows.order_by("pk").iterator(chunk_size=CHUNK):
        public = to_public(ApiKey.public_prefix, key)
        yield NotionRow(
            public,
            {
                "Key ID": public,
                "User ID": to_public(User.public_prefix, user),
                "Organization ID": to_public("org", organization),
                "Tier": str(PLANS[plan].name) if plan in PLANS else plan,
                "Status": state,
                "Calls Used": calls.get(key, 0),
                "Quota": quotas.get(organization, WITHIN),
                "Created At": created_at,
            },
        )


def _quotas(period: str) -> dict[object, str]:
    """How organizations stand that used four fifths of their quota or more."""
    near = totals_with_quota(period).filter(quota__gt=0, total__gte=F("quota") * 0.8)
    rows = near.values_list("organization_id", "total", "quota")
    return {organization: EXCEEDED if total >= quota else NEAR for organization, total, quota in rows}


def alert_rows() -> Iterator[NotionRow]:
    """Who was told that so much of the month's quota is used."""
    alerts = QuotaAlert.objects.unscoped().filter(created_at__gte=now() - ALERTS_KEPT)
    for alert in alerts.order_by("pk").iterator(chunk_size=CHUNK):
        organization = to_public("org", alert.organization_id)
        yield NotionRow(
            f"{organization} {alert.period} {alert.percent} {alert.quota}",
            {
                "Organization ID": organization,
                "Period": alert.period,
                "Share": alert.percent / 100,
                "Calls": alert.calls,
                "Quota": alert.quota,
                "Told": alert.created_at,
            },
        )


def bring_alert(event: DomainEvent) -> None:
    """An alert that was just made goes there at once, not with the hour."""
    order_table(QUOTA_ALERTS)


KEYS = NotionDatabase(
    API_KEYS,
    "API Keys",
    (
        NotionProperty("Key ID", "title"),
        NotionProperty("User ID", "rich_text"),
        NotionProperty("Organization ID", "rich_text"),
        NotionProperty("Tier", "select", options=tuple(dict.fromkeys(str(plan.name) for plan in PLANS.values()))),
        NotionProperty("Status", "select", options=tuple(ApiKey.State.values)),
        NotionProperty("Calls Used", "number"),
        NotionProperty("Quota", "select", options=(WITHIN, NEAR, EXCEEDED)),
        NotionProperty("Created At", "date"),
    ),
    key_rows,
)
ALERTS = NotionDatabase(
    QUOTA_ALERTS,
    "Quota Alerts",
    (
        NotionProperty("Organization ID", "title"),
        NotionProperty("Period", "rich_text"),
        NotionProperty("Share", "number", format="percent"),
        NotionProperty("Calls", "number"),
        NotionProperty("Quota", "number"),
        NotionProperty("Told", "date"),
    ),
    alert_rows,
)
