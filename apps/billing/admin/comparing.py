"""What Stripe's meters were told, and whether our books and Stripe's agree."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from apps.accounts.models import Organization
from apps.billing.admin.base import BillingAdmin
from apps.billing.models import Difference, OverageReport, Reconciliation
from apps.core.admin_base import StaffInline, StaffModelAdmin
from apps.core.staff.display import NOTHING, json_block, row_link, state_tag, tag, text_block, when
from apps.core.templatetags.levqor import number, short_id

TONES = {"to_send": "wait", "sent": "ok", "to_take_back": "wait", "taken_back": "", "refused": "bad"}


@admin.register(OverageReport)
class OverageReportAdmin(BillingAdmin):
    """So many calls beyond a plan, for Stripe's meter."""

    found_by = ()
    lookups = ("subscription",)
    list_display = ("shown_period", "organization_link", "shown_value", "shown_state", "attempts", "counted", "done")
    list_filter = (("state", ChoicesDropdownFilter), ("organization", AutocompleteSelectFilter))
    list_before_template = None
    search_help_text = _("ovr_…, org_… or the organization's slug")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_period", "organization_link"),
                    ("shown_value", "shown_state"),
                    ("subscription_link", "meter"),
                    ("counted", "done"),
                    ("attempts", "due"),
                    "full_id",
                    "shown_error",
                )
            },
        ),
    )

    @display(description=_("month"))
    def shown_period(self, obj: OverageReport) -> str:
        """Which it is for."""
        return obj.period

    @display(description=_("calls"))
    def shown_value(self, obj: OverageReport) -> str:
        """With thousands separators."""
        return number(obj.value)

    @display(description=_("state"))
    def shown_state(self, obj: OverageReport) -> str:
        """In words and colour."""
        return state_tag(obj, TONES)

    @display(description=_("subscription"))
    def subscription_link(self, obj: OverageReport) -> str:
        """Whose bill it goes on."""
        return row_link(obj.subscription)

    @display(description=_("counted"))
    def counted(self, obj: OverageReport) -> str:
        """When it was found."""
        return when(obj.counted_at)

    @display(description=_("reported"))
    def done(self, obj: OverageReport) -> str:
        """When Stripe took it."""
        return when(obj.done_at)

    @display(description=_("next try"))
    def due(self, obj: OverageReport) -> str:
        """When it is tried next."""
        return when(obj.due_at if obj.state in OverageReport.WAITING else None)

    @display(description=_("last error"))
    def shown_error(self, obj: OverageReport) -> str:
        """What Stripe said."""
        return text_block(obj.last_error)


class DifferenceInline(StaffInline):
    """Each thing that did not agree."""

    model = Difference
    fields = ("kind", "subject", "ours", "theirs", "organization_link")
    verbose_name_plural = _("differences")

    @display(description=_("organization"))
    def organization_link(self, obj: Difference) -> str:
        """Whose it is, where it is somebody's (its id needs no query)."""
        key = obj.organization_id
        return row_link(Organization(pk=key), short_id(Organization(pk=key).public_id)) if key else NOTHING


@admin.register(Reconciliation)
class ReconciliationAdmin(StaffModelAdmin):
    """Comparisons of our books with Stripe's. A difference is for people: nothing is corrected here."""

    list_display = ("created", "shown_differences", "since", "until")
    list_before_template = None
    search_help_text = _("Paste a rec_… id")
    fieldsets = (
        (None, {"fields": (("created", "shown_differences"), ("since", "until"), "full_id", "shown_compared")}),
    )
    inlines = (DifferenceInline,)

    @display(description=_("differences"))
    def shown_differences(self, obj: Reconciliation) -> str:
        """None is what everybody wants."""
        return tag(number(obj.differences), "bad" if obj.differences else "ok")

    @display(description=_("from"))
    def since(self, obj: Reconciliation) -> str:
        """The begin of what was compared."""
        return when(obj.begin)

    @display(description=_("until"))
    def until(self, obj: Reconciliation) -> str:
        """Its end."""
        return when(obj.end)

    @display(description=_("compared"))
    def shown_compared(self, obj: Reconciliation) -> str:
        """How many of each kind."""
        return json_block(obj.compared)
