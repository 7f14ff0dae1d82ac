"""How the administration looks and what its side bar offers: django-unfold's settings."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

# static/css/tokens.css in Unfold's scales: brand is primary-600, surfaces and ink are base.
PRIMARY = {
    "50": "#eef0fe",
    "100": "#e2e4fd",
    "200": "#cbcefb",
    "300": "#adb0f7",
    "400": "#8f8bf0",
    "500": "#7a72e8",
    "600": "#4338ca",
    "700": "#3a30b3",
    "800": "#312a92",
    "900": "#2a2676",
    "950": "#1a1747",
}
BASE = {
    "50": "#f7f7f8",
    "100": "#f1f2f4",
    "200": "#e3e5e9",
    "300": "#bcc2cc",
    "400": "#9aa3b2",
    "500": "#5b6472",
    "600": "#434b58",
    "700": "#353b47",
    "800": "#272c36",
    "900": "#161920",
    "950": "#0e1014",
}


# Some hundred at each page of staff, always the same: looked up once.
_address = lazy(cache(reverse), str)


def environment(request: HttpRequest) -> list[Any]:
    """The badge beside the title: which installation this is."""
    if settings.DEMO:
        return [_("Demo"), "warning"]
    if settings.LEVQOR_ENV == "production":
        return [_("Production"), "danger"]
    return [_("Local"), "info"]


def environment_prefix(request: HttpRequest) -> str:
    """What the browser's tab begins with; nothing in production."""
    return "[demo] " if settings.DEMO else "" if settings.LEVQOR_ENV == "production" else "[local] "


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    def check(request: HttpRequest) -> bool:
        return bool(request.user.has_perm(permission))

    return check


def _item(title: Any, icon: str, model: str) -> dict[str, Any]:
    app, _dot, name = model.partition(".")
    return {
        "title": title,
        "icon": icon,
        "link": _address(f"admin:{app}_{name}_changelist"),
        "permission": _may(f"{app}.view_{name}"),
    }


def _page(title: Any, icon: str, name: str, permission: str) -> dict[str, Any]:
    """A page beside the list of a model."""
    return {"title": title, "icon": icon, "link": _address(f"admin:{name}"), "permission": _may(permission)}


NAVIGATION: list[dict[str, Any]] = [
    {
        "items": [
            {"title": _("Overview"), "icon": "monitoring", "link": _address("admin:index")},
            _page(_("Operations"), "monitor_heart", "operations", "monitoring.view_probe"),
        ],
    },
    {
        "title": _("Business"),
        "separator": True,
        "items": [
            _page(_("Weekly pulse"), "ecg_heart", "monitoring_pulse", "monitoring.view_pulsereport"),
            _page(_("Costs"), "savings", "monitoring_costs", "monitoring.view_costday"),
            _item(_("Infrastructure costs"), "request_quote", "monitoring.infrastructurecost"),
            _item(_("Cost forecasts"), "query_stats", "monitoring.costforecast"),
            _item(_("Hours of Redis"), "memory", "monitoring.keyvaluehour"),
            _page(_("Health"), "health_and_safety", "monitoring_health", "monitoring.view_healthrun"),
            _item(_("Reports"), "summarize", "monitoring.report"),
            _page(_("Growth and retention"), "group_add", "monitoring_growth", "monitoring.view_growthday"),
        ],
    },
    {
        "title": _("Customers"),
        "separator": True,
        "items": [
            _item(_("Users"), "person", "accounts.user"),
            _item(_("Organizations"), "corporate_fare", "accounts.organization"),
            _item(_("Memberships"), "badge", "accounts.membership"),
            _item(_("Invitations"), "mail", "accounts.invitation"),
            _item(_("Notifications"), "notifications", "notifications.notification"),
            _item(_("Realms"), "domain", "accounts.realm"),
        ],
    },
    {
        "title": _("Alarms"),
        "separator": True,
        "items": [
            _item(_("Alarms"), "notification_important", "notifications.alert"),
            _item(_("Alarm deliveries"), "outgoing_mail", "notifications.alertdelivery"),
            _item(_("Alarm channels"), "campaign", "notifications.alertchannel"),
            _item(_("Escalation"), "trending_up", "notifications.escalationrule"),
            _item(_("Maintenance windows"), "construction", "notifications.maintenancewindow"),
            _item(_("Alarm templates"), "edit_note", "notifications.alerttemplate"),
        ],
    },
    {
        "title": _("Workflows"),
        "separator": True,
        "items": [
            _item(_("Workflows"), "account_tree", "workflows.workflow"),
            _item(_("Versions"), "history", "workflows.workflowversion"),
            _item(_("Runs"), "play_circle", "workflows.run"),
            _item(_("Steps"), "steps", "workflows.steprun"),
            _item(_("Triggers"), "bolt", "workflows.trigger"),
            _item(_("Secrets"), "lock", "workflows.secret"),
        ],
    },
    {
        "title": _("API"),
        "separator": True,
        "items": [
            _item(_("API keys"), "vpn_key", "accounts.apikey"),
            _item(_("Limits"), "speed", "usage.organizationlimits"),
            _item(_("Usage events"), "data_usage", "usage.usageevent"),
            _item(_("Usage by hour"), "bar_chart", "usage.usagehour"),
            _item(_("Usage by period"), "date_range", "usage.usagetotal"),
            _item(_("Quota alerts"), "notification_important", "usage.quotaalert"),
        ],
    },
    {
        "title": _("Billing"),
        "separator": True,
        "items": [
            _item(_("Paying customers"), "storefront", "billing.customer"),
            _item(_("Subscriptions"), "autorenew", "billing.subscription"),
            _item(_("Orders"), "shopping_cart", "billing.order"),
            _item(_("Invoices"), "receipt_long", "billing.invoice"),
            _item(_("Payments"), "payments", "billing.payment"),
            _item(_("Refunds"), "undo", "billing.refund"),
            _item(_("Disputes"), "gavel", "billing.dispute"),
            _item(_("Credits"), "toll", "billing.creditgrant"),
            _item(_("Uses of credits"), "receipt", "billing.credituse"),
            _item(_("Entitlements"), "verified", "billing.entitlement"),
            _item(_("Coupons"), "sell", "billing.privatecoupon"),
            _page(_("Catalogue"), "inventory_2", "billing_catalogue", "billing.view_priceatstripe"),
        ],
    },
    {
        "title": _("Books"),
        "separator": True,
        "items": [
            _item(_("Ledger accounts"), "account_balance", "ledger.account"),
            _item(_("Transfers"), "swap_horiz", "ledger.transfer"),
            _item(_("Overage reports"), "trending_up", "billing.overagereport"),
            _item(_("Reconciliations"), "balance", "billing.reconciliation"),
        ],
    },
    {
        "title": "Stripe",
        "separator": True,
        "items": [
            _item(_("To be looked at"), "visibility", "integrations.stripeobject"),
            _item(_("Customers"), "person", "djstripe.customer"),
            _item(_("Subscriptions"), "autorenew", "djstripe.subscription"),
            _item(_("Invoices"), "receipt_long", "djstripe.invoice"),
            _item(_("Payments"), "payments", "djstripe.paymentintent"),
            _item(_("Charges"), "credit_card", "djstripe.charge"),
            _item(_("Refunds"), "undo", "djstripe.refund"),
            _item(_("Disputes"), "gavel", "djstripe.dispute"),
            _item(_("Products"), "inventory_2", "djstripe.product"),
            _item(_("Prices"), "sell", "djstripe.price"),
        ],
    },
    {
        "title": _("Access"),
        "separator": True,
        "items": [
            _item(_("Sessions"), "devices", "usersessions.usersession"),
            _item(_("Tokens"), "key", "accounts.tokenfamily"),
            _item(_("Device logins"), "terminal", "accounts.deviceauthorization"),
            _item(_("Impersonations"), "supervisor_account", "accounts.impersonation"),
            _item(_("Staff roles"), "groups", "auth.group"),
        ],
    },
    {
        "title": _("Machinery"),
        "separator": True,
        "items": [
            _item(_("Scheduled jobs"), "schedule", "django_celery_beat.periodictask"),
            _item(_("Job runs"), "task_alt", "core.jobrun"),
            _item(_("Crontabs"), "calendar_month", "django_celery_beat.crontabschedule"),
            _item(_("Intervals"), "timer", "django_celery_beat.intervalschedule"),
            _item(_("Domain events"), "campaign", "core.domainevent"),
            _item(_("Deliveries"), "local_shipping", "core.eventdelivery"),
            _item(_("Mail"), "outgoing_mail", "integrations.mailmessage"),
            _item(_("Vendor events"), "webhook", "integrations.externalevent"),
        ],
    },
    {
        "title": _("Watching"),
        "separator": True,
        "items": [
            _item(_("Incidents"), "emergency", "monitoring.incident"),
            _item(_("Incident templates"), "edit_note", "monitoring.incidenttemplate"),
            _item(_("Subscribers"), "mark_email_read", "monitoring.statussubscriber"),
            _item(_("Objectives"), "flag", "monitoring.objective"),
            _item(_("Looks at objectives"), "troubleshoot", "monitoring.slosample"),
            _item(_("Uptime by day"), "calendar_view_month", "monitoring.uptimeday"),
            _item(_("Probes"), "sensors", "monitoring.probe"),
            _item(_("Requests by minute"), "ssid_chart", "monitoring.requestminute"),
            _item(_("Gauges"), "speed", "monitoring.gaugesample"),
        ],
    },
    {
        "title": "Notion",
        "separator": True,
        "items": [
            _item(_("Tables"), "table", "integrations.notiontable"),
            _item(_("Pages"), "description", "integrations.notionpage"),
            _item(_("Guides"), "menu_book", "developers.notionguide"),
        ],
    },
    {
        "title": _("Record"),
        "separator": True,
        "items": [_item(_("Audit log"), "policy", "audit.auditentry")],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Levqor administration"),
    "SITE_HEADER": "Levqor",
    "SITE_SUBHEADER": _("Administration"),
    "SITE_URL": _address("dashboard"),
    "SITE_ICON": lambda request: static("img/logo.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/favicon.svg")},
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "ENVIRONMENT": "levqor.settings.unfold.environment",
    "ENVIRONMENT_TITLE_PREFIX": "levqor.settings.unfold.environment_prefix",
    "DASHBOARD_CALLBACK": "apps.core.staff.dashboard.context",
    "COLORS": {"primary": PRIMARY, "base": BASE},
    "STYLES": [lambda request: static("css/tokens.css"), lambda request: static("css/admin.css")],
    "SCRIPTS": [],
    "ACCOUNT": {
        "navigation": [
            {"title": _("Profile"), "link": _address("profile")},
            {"title": _("Two-factor login"), "link": _address("mfa_index")},
            {"title": _("Change password"), "link": _address("account_change_password")},
        ]
    },
    "COMMAND": {"search_models": False, "show_history": False, "search_callback": "apps.core.staff.search.find"},
    "SIDEBAR": {
        "show_search": True,
        "command_search": True,
        "show_all_applications": False,
        "navigation": NAVIGATION,
    },
}
