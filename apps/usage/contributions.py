"""What usage adds to the platform."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from apps.accounts.permissions import ALL_ROLES
from apps.core.kinds import EventHandler, EventType, Feature, Permission, ScheduledJob, Tick
from apps.core.registry import register
from apps.usage import notion, pulse, retention, staff_contributions
from apps.usage.gate.either import CATCH_UP_TASK
from apps.usage.meters import METERS
from apps.usage.plans import API_CREDITS, API_PLAN, SANDBOX, largest
from apps.usage.services import alerts, draining, summing

register(
    *METERS,
    *pulse.METRICS,
    *pulse.ACTIVITY,
    Feature(API_PLAN, _("API plan"), "static", SANDBOX.code, largest),
    Feature(API_CREDITS, _("API calls paid in advance"), "metered", 0),
    Permission("usage.view", _("See the organization's usage and limits"), ALL_ROLES, for_keys=True),
    EventType(alerts.QUOTA_REACHED, _("A share of the month's calls is used")),
    EventHandler(alerts.QUOTA_REACHED, "usage.quota_to_notion", notion.bring_alert),
    notion.KEYS,
    notion.ALERTS,
    Tick("drain_usage", draining.DRAIN_TASK, 1),
    Tick("catch_up_usage", CATCH_UP_TASK, 5),
    Tick("alert_quotas", alerts.TICK_TASK, 60),
    ScheduledJob(
        "usage_rollup_hourly",
        _("Sum up the calls of the last hour"),
        summing.sum_up_hourly,
        "2 * * * *",
        overdue_after=timedelta(hours=3),
    ),
    ScheduledJob("forget_usage", _("Forget old API requests and full rate buckets"), retention.forget, "50 3 * * *"),
    ScheduledJob("usage_rollup_nightly", _("Sum up the calls of the last days"), summing.sum_up_nightly, "30 0 * * *"),
)

__all__ = ["staff_contributions"]  # imported so that its contributions are made
