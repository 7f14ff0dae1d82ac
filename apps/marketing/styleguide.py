"""Sample data for the style guide: every component in every state."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.context_processors import Group, Link
from apps.core.money import Money


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label=_("Name"), help_text=_("Where will it be used?"))
    addresses = forms.CharField(label=_("Allowed addresses"), required=False)
    role = forms.ChoiceField(label=_("Role"), choices=[("admin", _("Admin")), ("viewer", _("Viewer"))])
    note = forms.CharField(label=_("Note"), widget=forms.Textarea, required=False)
    when = forms.ChoiceField(
        label=_("When it fails"),
        choices=[("mail", _("Send a mail")), ("nothing", _("Do nothing"))],
        widget=forms.RadioSelect,
    )
    agree = forms.BooleanField(label=_("Tell me when a run fails"), help_text=_("One mail per workflow and hour."))

    def clean_addresses(self) -> str:
        """Refuses everything, to show an error."""
        raise forms.ValidationError(_("“10.0.0.0/33” is not a network: the prefix ends at 32."))

    def clean(self) -> dict[str, Any]:
        """Refuses the whole form as well."""
        raise forms.ValidationError(_("A key with this name exists. Choose another name."))


SOURCE = """\
name: Order intake
# every step is a durable row
steps:
  - id: fetch
    type: http
    with: {url: "https://shop.example/orders", expect: [200]}
"""
STATES = ("queued", "running", "waiting", "succeeded", "failed", "cancelled", "pending", "skipped")


def style_guide_context() -> dict[str, Any]:
    """Everything that `marketing/styleguide.html` shows."""
    now = clock.now()
    runs = [
        {
            "name": "Invoice digest",
            "id": "run_01m7f2x4kzq9c1",
            "state": "succeeded",
            "at": now - timedelta(minutes=2),
            "ms": 1_400,
        },
        {
            "name": "Lead router",
            "id": "run_01m7f2wz3e77a0",
            "state": "running",
            "at": now - timedelta(minutes=3),
            "ms": None,
        },
        {
            "name": "Vendor sync",
            "id": "run_01m7f1aa7be02f",
            "state": "waiting",
            "at": now - timedelta(hours=1),
            "ms": None,
        },
        {
            "name": "Nightly export",
            "id": "run_01m7f19k2c1b84",
            "state": "failed",
            "at": now - timedelta(hours=6),
            "ms": 30_000,
        },
    ]
    steps = [
        {"name": "fetch_orders", "state": "succeeded", "note": _("http · 200 · 48 rows"), "duration_ms": 412},
        {"name": "each_order", "state": "succeeded", "note": _("foreach · 48 of 48"), "duration_ms": 2_100},
        {"name": "convert", "state": "succeeded", "note": _("transform"), "duration_ms": 8, "depth": 1},
        {"name": "publish", "state": "skipped", "note": _("skip_if was true"), "duration_ms": None, "depth": 1},
        {
            "name": "each_page",
            "state": "running",
            "note": _("foreach · 12 of 30"),
            "done": 12,
            "total": 30,
            "started_at": now - timedelta(seconds=75),
        },
        {"name": "sign_off", "state": "waiting", "note": _("waiting for an owner or admin")},
        {
            "name": "upload",
            "state": "failed",
            "note": _("http"),
            "error": _("503 from storage after 5 attempts. Next: check the destination, then replay."),
            "duration_ms": 27_500,
        },
        {"name": "notify", "state": "pending", "note": _("not reached")},
    ]
    return {
        "page_title": _("Style guide"),
        "page_lead": _("Every component in every state"),
        "breadcrumbs": [{"label": _("Workflows"), "url": "/styleguide"}, {"label": _("Style guide")}],
        "notices": [{"tone": "go", "text": _("Mail goes to files."), "url": "/styleguide", "label": _("Read it here")}],
        "nav_items": [
            Group(
                str(_("Build")),
                [
                    Link(str(_("Overview")), "/styleguide", True, "home"),
                    Link(str(_("Workflows")), "/styleguide", False, "workflow", "12"),
                    Link(str(_("Runs")), "/styleguide", False, "runs"),
                    Link(str(_("Secrets")), "/styleguide", False, "key"),
                ],
            ),
            Group(
                str(_("Account")),
                [
                    Link(str(_("Members")), "/styleguide", False, "users"),
                    Link(str(_("Settings")), "/styleguide", False, "settings"),
                ],
            ),
        ],
        "switcher": {
            "current": {"name": "Demo Organization", "public_id": "org_1"},
            "organizations": [
                {"name": "Demo Organization", "public_id": "org_1"},
                {"name": "Second Organization", "public_id": "org_2"},
            ],
            "role_label": _("Owner"),
            "switch_url": "/styleguide",
            "create_url": "/styleguide",
        },
        "states": STATES,
        "runs": runs,
        "steps": steps,
        "form": SampleForm(
            {"name": "Production importer", "addresses": "10.0.0.0/33", "role": "admin", "when": "mail"}
        ),
        "now": now,
        "price": Money(129_900, "EUR"),
        "durations": [None, 42, 412, 1_400, 30_000, 125_000, 12_000_000, 190_000_000],
        "tabs": [
            {"label": _("Runs"), "url": "/styleguide", "current": True, "badge": "18"},
            {"label": _("Versions"), "url": "/styleguide"},
            {"label": _("Triggers"), "url": "/styleguide"},
        ],
        "source": SOURCE,
    }
