"""Costs: their jobs, what we can count ourselves, their table at Notion, and who may enter bills."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from apps.accounts.staff import FINANCE, OPERATIONS, StaffRight
from apps.core.kinds import CostSource, ScheduledJob
from apps.core.registry import register
from apps.monitoring.costs import staff
from apps.monitoring.costs.notion import COST
from apps.monitoring.services import costs, costs_forecast, costs_mail, costs_redis

register(
    ScheduledJob("cost_collector", _("Collect yesterday's costs and revenue"), costs.cost_collector, "0 1 * * *"),
    ScheduledJob(
        "kv_costs",
        _("Count what Redis did in an hour, and what it costs"),
        costs_redis.kv_costs,
        "0 * * * *",
        overdue_after=timedelta(hours=4),
    ),
    ScheduledJob(
        "cost_prediction",
        _("Foretell the costs of thirty days"),
        costs_forecast.cost_prediction,
        "10 2 * * 1",
        overdue_after=timedelta(days=9),
    ),
    COST,
    CostSource("redis", _("Redis by its use"), "key_value", costs_redis.cost_of_day),
    CostSource("mail_sent", _("Mail by the piece"), "mail", costs_mail.cost_of_day),
    *(
        StaffRight(f"monitoring.{what}_infrastructurecost", (FINANCE, OPERATIONS))
        for what in ("add", "change", "delete")
    ),
)

__all__ = ["staff"]  # imported so that its contributions are made
