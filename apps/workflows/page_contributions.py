"""What the pages of workflows add to the platform."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import AuditAction, DashboardCard, NavItem
from apps.core.registry import register
from apps.workflows import approvals
from apps.workflows.views import dashboard


def _approvals_badge(request: Any) -> int:
    return approvals.count_mine(request.actor) if request.actor else 0


register(
    NavItem("workflows", _("Workflows"), "workflows", "build", order=10, permission="workflows.view", icon="workflow"),
    NavItem("runs", _("Runs"), "runs", "build", order=20, permission="workflows.view", icon="runs"),
    NavItem(
        "approvals",
        _("Approvals"),
        "approvals",
        "build",
        order=30,
        permission="workflows.view",
        icon="hand",
        badge=_approvals_badge,
    ),
    NavItem("secrets", _("Secrets"), "secrets", "build", order=40, permission="secrets.view", icon="lock"),
)
register(AuditAction("workflows.webhook_secret_shown", _("Looked at a webhook's secret")))


def _card(name: str, area: Any, order: int, permission: str = "workflows.view") -> DashboardCard:
    return DashboardCard(
        name,
        f"workflows/cards/{name}.html",
        getattr(dashboard, name),
        order=order,
        area=area,
        permission=permission,
    )


register(
    _card("key_figures", "stats", 10),
    _card("getting_started", "main", 5, "workflows.edit"),
    _card("runs_chart", "main", 20),
    _card("recent_runs", "main", 30),
    _card("open_approvals", "side", 10),
)
