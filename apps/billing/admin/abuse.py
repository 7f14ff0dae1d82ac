"""Signs of abuse: what staff look at, and settle or put on hold."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from apps.billing.admin.base import BillingAdmin, once
from apps.billing.models import AbuseFlag
from apps.billing.selectors import find_customer
from apps.billing.services import abuse
from apps.billing.staff_forms import SettleForm
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import row_link, tag, when
from apps.core.staff.lists import KnownValuesFilter
from apps.core.templatetags.levqor import number

SETTLE = "billing.change_abuseflag"
OPEN, SETTLED = "open", "settled"


class StateFilter(KnownValuesFilter):
    """Those that wait for somebody, or were looked at."""

    title = _("state")
    parameter_name = "state"

    def options(self) -> Iterable[tuple[str, Any]]:
        """Two."""
        return [(OPEN, _("open")), (SETTLED, _("settled"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Django's hook."""
        return queryset.filter(settled_at__isnull=self.value() == OPEN) if self.value() else queryset


@admin.register(AbuseFlag)
class AbuseFlagAdmin(BillingAdmin):
    """What organizations did more often than seems right. It forbids nothing: people put customers on hold."""

    found_by = ()
    list_display = ("shown_sign", "organization_link", "times", "shown_state", "created")
    list_filter = (StateFilter, ("sign", ChoicesDropdownFilter), ("organization", AutocompleteSelectFilter))
    list_before_template = None
    search_help_text = _("flag_…, org_… or the organization's slug")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_sign", "times"),
                    ("organization_link", "customer_link"),
                    ("shown_state", "settled"),
                    "note",
                    ("created", "full_id"),
                )
            },
        ),
    )
    staff_actions = (
        StaffAction(
            name="settle",
            label=_("Settle"),
            question=_("The same sign is not raised again for 90 days. The customer goes on as before."),
            permission=SETTLE,
            do=lambda request, row, data: abuse.settle(row, data["note"]),
            icon="task_alt",
            applies=lambda row: row.settled_at is None,
            form=SettleForm,
        ),
    )

    @display(description=_("sign"))
    def shown_sign(self, obj: AbuseFlag) -> str:
        """What was seen."""
        return str(obj)

    @display(description=_("times when seen last"))
    def times(self, obj: AbuseFlag) -> str:
        """How often within 90 days."""
        return number(obj.count)

    @display(description=_("state"))
    def shown_state(self, obj: AbuseFlag) -> str:
        """Whether somebody looked at it."""
        return tag(_("settled"), "ok") if obj.settled_at else tag(_("open"), "wait")

    @display(description=_("settled"))
    def settled(self, obj: AbuseFlag) -> str:
        """When."""
        return when(obj.settled_at)

    @display(description=_("customer"))
    @once
    def customer_link(self, obj: AbuseFlag) -> str:
        """Where it is put on hold."""
        return row_link(find_customer(obj.organization))
