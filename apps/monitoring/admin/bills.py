"""Bills that staff enter: hosting, vendors, whatever no API tells."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from apps.core.admin_base import button
from apps.core.clock import now
from apps.core.staff.display import NOTHING, tag, when
from apps.monitoring.figures import dollars, in_dollars
from apps.monitoring.models import InfrastructureCost
from apps.monitoring.services import costs_bills
from apps.notifications.admin.base import SetUpAdmin

CENTS = 100
MOST = Decimal(10_000_000)  # dollars
FAR = timedelta(days=5 * 366)  # from today, in both directions


class BillForm(forms.ModelForm):
    """A bill in dollars; it is kept in cents."""

    dollars = forms.DecimalField(
        label=_("Amount in US dollars"),
        min_value=Decimal(0),
        max_value=MOST,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("What is paid every month is divided over the month's days."),
    )

    class Meta:
        model = InfrastructureCost
        fields = ("label", "category", "kind", "first_day", "last_day", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "last_day" in self.fields:  # staff who may only look get no form
            self.fields["first_day"].help_text = translated("What is paid once counts on this day.")
            self.fields["last_day"].help_text = translated("Empty: until further notice. What is paid once has none.")
        if not self.instance._state.adding and "dollars" in self.fields:
            self.fields["dollars"].initial = in_dollars(self.instance.amount)

    def clean_first_day(self) -> Any:
        """Some years from now at most: every day since is counted again."""
        day = self.cleaned_data["first_day"]
        if abs(day - now().date()) > FAR:
            raise ValidationError(translated("At most five years from today."))
        return day

    def clean(self) -> dict[str, Any]:
        """What would break a rule of the table is said beside its field."""
        found: dict[str, Any] = super().clean() or {}
        begins, ends = found.get("first_day"), found.get("last_day")
        if ends and found.get("kind") == InfrastructureCost.Kind.ONCE:
            self.add_error("last_day", translated("What is paid once has one day: leave this empty."))
        elif begins and ends and ends < begins:
            self.add_error("last_day", translated("It ends before it begins."))
        if "dollars" in found:
            self.instance.amount = int(found["dollars"] * CENTS)
        return found


@admin.register(InfrastructureCost)
class InfrastructureCostAdmin(SetUpAdmin):
    """Bills that staff enter. Days that were collected already follow at once."""

    form = BillForm
    ordering = ("-first_day", "-pk")
    list_display = ("label", "shown_category", "shown_amount", "first_day", "shown_last_day", "shown_state")
    list_filter = (("category", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    search_fields = ("label__icontains",)
    search_help_text = _("What it is for")
    editable = ("label", "category", "kind", "dollars", "first_day", "last_day", "note")
    new_fieldsets = ((None, {"fields": ("label", ("category", "kind"), "dollars", ("first_day", "last_day"), "note")}),)
    fieldsets = (*new_fieldsets, (None, {"fields": (("entered", "full_id"),)}))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may only look sees the amount as money."""
        found = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj) or obj is None:
            return found
        shown = ("label", ("shown_category", "kind"), "shown_amount", ("first_day", "last_day"), "note")
        return ((None, {"fields": shown}), *found[1:])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything to who may only look."""
        if obj is not None and not self.has_change_permission(request, obj):
            return ["label", "shown_category", "kind", "shown_amount", "first_day", "last_day", "note", "entered",
                    "full_id"]  # fmt: skip
        return super().get_readonly_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: InfrastructureCost, form: Any, change: bool) -> None:
        """Through the service: collected days follow."""
        costs_bills.save(obj)

    def delete_model(self, request: HttpRequest, obj: InfrastructureCost) -> None:
        """Through the service, for the same reason. What costs no more ends by its last day instead."""
        costs_bills.delete(obj)

    def links(self, request: HttpRequest, row: InfrastructureCost) -> list[dict[str, Any]]:
        """On to the days."""
        return [button(_("Costs"), reverse("admin:monitoring_costs"), "savings")]

    @display(description=_("category"))
    def shown_category(self, obj: InfrastructureCost) -> str:
        """In words."""
        return str(obj.get_category_display())

    @display(description=_("amount"))
    def shown_amount(self, obj: InfrastructureCost) -> str:
        """As money, a month or once."""
        words = _("%(amount)s once") if obj.kind == InfrastructureCost.Kind.ONCE else _("%(amount)s a month")
        return str(words) % {"amount": dollars(obj.amount)}

    @display(description=_("until"))
    def shown_last_day(self, obj: InfrastructureCost) -> str:
        """The last day, where there is one."""
        return f"{obj.last_day:%Y-%m-%d}" if obj.last_day else NOTHING

    @display(description=_("state"))
    def shown_state(self, obj: InfrastructureCost) -> str:
        """Whether it costs anything today."""
        today = now().date()
        if obj.first_day > today:
            return tag(_("to come"), "go")
        last = obj.first_day if obj.kind == InfrastructureCost.Kind.ONCE else obj.last_day
        return tag(_("over")) if last and last < today else tag(_("current"), "ok")

    @display(description=_("entered"))
    def entered(self, obj: InfrastructureCost) -> str:
        """When."""
        return when(obj.created_at)
