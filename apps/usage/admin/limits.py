"""Limits, which staff change, and what organizations were told about theirs."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from apps.accounts.models import Organization
from apps.core.admin_base import StaffModelAdmin, button
from apps.core.clock import now
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import list_url, tag, when
from apps.core.staff.lists import KnownValuesFilter
from apps.core.templatetags.levqor import number
from apps.usage.admin.metering import OF_ORGANIZATION
from apps.usage.forms import LimitsForm
from apps.usage.limits import limits_of, row_of
from apps.usage.models import OrganizationLimits, QuotaAlert, UsageEvent, UsageHour
from apps.usage.periods import month_of
from apps.usage.services.alerts import SHARES
from apps.usage.services.staff_limits import change_limits

CHANGE_LIMITS = "usage.change_organizationlimits"
MONTHS = 12


def _change(_request: HttpRequest, row: OrganizationLimits, data: dict[str, Any]) -> None:
    change_limits(row.organization, data["plan"], calls=data["calls"], per_minute=data["per_minute"])


@admin.register(OrganizationLimits)
class OrganizationLimitsAdmin(StaffModelAdmin):
    """Organizations with another plan than the default, or figures of their own.

    Every organization has its page here, under its own key: those without a row stand on the default plan.
    """

    list_display = ("organization_link", "plan", "shown_calls", "shown_per_minute", "changed")
    list_display_links = ("plan",)
    list_select_related = ("organization",)
    list_filter = (("plan", ChoicesDropdownFilter), ("organization", AutocompleteSelectFilter))
    list_before_template = None
    search_fields = ("organization__slug__exact",)
    search_help_text = _("org_… or the organization's slug")
    fieldsets = (
        (
            None,
            {"fields": (("organization_link", "plan"), ("shown_calls", "shown_per_minute"), ("shown_end", "changed"))},
        ),
    )
    staff_actions = (
        StaffAction(
            name="change",
            label=_("Change limits"),
            question=_("The new limits hold from the organization's next call on. Calls so far stay counted."),
            permission=CHANGE_LIMITS,
            do=_change,
            icon="speed",
            form=LimitsForm,
        ),
    )

    def title_of(self, row: OrganizationLimits) -> str:
        """Whose limits they are."""
        return row.organization.name

    def links(self, request: HttpRequest, row: OrganizationLimits) -> list[dict[str, Any]]:
        """To what was counted."""
        of_it = {OF_ORGANIZATION: row.pk}
        return [
            button(_("Events"), list_url(UsageEvent, **of_it), "bolt"),
            button(_("Hours"), list_url(UsageHour, **of_it), "schedule"),
        ]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Django's hook: also what holds for an organization without a row."""
        try:
            organization = Organization.objects.filter(pk=object_id).first()
        except (ValidationError, ValueError):
            return None
        return None if organization is None else row_of(organization)

    def _rows(self, request: HttpRequest) -> list[Any]:
        keys = request.GET.getlist("id")
        row = self.get_object(request, keys[0]) if len(keys) == 1 else None
        if row is None:
            raise Http404
        return [row]

    @display(description=_("calls a month"))
    def shown_calls(self, obj: OrganizationLimits) -> str:
        """What holds, the organization's own figure or the plan's."""
        quota = limits_of(obj.organization, obj).quota
        words = _("any number") if quota is None else number(quota)
        return tag(words, "go") if obj.calls is not None else str(words)

    @display(description=_("calls a minute"))
    def shown_per_minute(self, obj: OrganizationLimits) -> str:
        """What holds, the organization's own figure or the plan's."""
        words = number(limits_of(obj.organization, obj).per_minute)
        return tag(words, "go") if obj.per_minute is not None else words

    @display(description=_("beyond the quota"))
    def shown_end(self, obj: OrganizationLimits) -> str:
        """Whether calls pass then."""
        return str(_("counted on") if limits_of(obj.organization, obj).soft else _("refused"))

    @display(description=_("changed"))
    def changed(self, obj: OrganizationLimits) -> str:
        """When; nothing for the default."""
        return when(None if obj._state.adding else obj.changed_at)


class MonthFilter(KnownValuesFilter):
    """By month, of the last twelve."""

    title = _("month")
    parameter_name = "period"

    def options(self) -> Iterable[tuple[str, Any]]:
        """The months, newest first."""
        period = month_of(now())
        for _number in range(MONTHS):
            yield period.name, period.name
            period = month_of(period.start - (period.end - period.start) / 2)


class ShareFilter(KnownValuesFilter):
    """By the share of the quota."""

    title = _("share")
    parameter_name = "percent"

    def options(self) -> Iterable[tuple[str, Any]]:
        """As they are told."""
        return [(str(percent), f"{percent} %") for percent in SHARES]


@admin.register(QuotaAlert)
class QuotaAlertAdmin(StaffModelAdmin):
    """That an organization was told how much of its quota is used."""

    list_display = ("period", "organization_link", "share", "shown_calls", "shown_quota", "created")
    list_select_related = ("organization",)
    list_filter = (MonthFilter, ShareFilter, ("organization", AutocompleteSelectFilter))
    list_before_template = None
    search_fields = ("organization__slug__exact",)
    search_help_text = _("Slug of the organization")
    fieldsets = (
        (None, {"fields": (("period", "organization_link"), ("share", "created"), ("shown_calls", "shown_quota"))}),
    )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The newest first; of one organization, along the index that has its alerts."""
        return ("-period", "-pk") if OF_ORGANIZATION in request.GET else self.ordering

    @display(description=_("share"))
    def share(self, obj: QuotaAlert) -> str:
        """In per cent."""
        return tag(f"{obj.percent} %", "bad" if obj.percent >= 100 else "wait")

    @display(description=_("calls"))
    def shown_calls(self, obj: QuotaAlert) -> str:
        """When it was told."""
        return number(obj.calls)

    @display(description=_("quota"))
    def shown_quota(self, obj: QuotaAlert) -> str:
        """When it was told."""
        return number(obj.quota)
