"""The schedules that there are to choose from."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import CrontabSchedule, IntervalSchedule
from unfold.decorators import display

from apps.core import cron
from apps.core.admin_base import StaffModelAdmin
from apps.core.errors import DomainError
from apps.core.job_schedules import expression_of
from apps.core.staff.display import NOTHING


class CrontabForm(forms.ModelForm):
    """Five fields and a zone that our own calendar understands too."""

    class Meta:
        model = CrontabSchedule
        fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")

    def clean(self) -> dict[str, Any]:
        """Refuse what never fires or what only one of the two calendars takes."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                cron.check(expression_of(CrontabSchedule(**given)), str(given["timezone"]))
            except DomainError as refusal:
                raise forms.ValidationError(str(refusal.detail)) from refusal
        return given


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(StaffModelAdmin):
    """Schedules to choose from. They are shared, so they are added and never changed."""

    form = CrontabForm
    list_display = ("expression", "timezone", "used_by")
    list_before_template = None
    search_fields = ("minute", "hour", "timezone")
    search_help_text = _("Search by minute, hour or zone")
    ordering = ("hour", "minute", "pk")
    fieldsets = ((None, {"fields": ("expression", "timezone", "used_by")}),)
    add_fieldsets = (
        (None, {"fields": ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever may choose schedules may add one."""
        return bool(request.user.has_perm("django_celery_beat.add_crontabschedule"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A new one is typed in."""
        return super().get_readonly_fields(request, obj) if obj else []

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the rows that use each."""
        return super().get_queryset(request).prefetch_related("periodictask_set")

    @display(description=_("schedule"))
    def expression(self, obj: CrontabSchedule) -> str:
        """Its five fields."""
        return expression_of(obj)

    @display(description=_("used by"))
    def used_by(self, obj: CrontabSchedule) -> str:
        """The jobs that follow it."""
        return ", ".join(sorted(str(task.name) for task in obj.periodictask_set.all())) or NOTHING


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(StaffModelAdmin):
    """The steps of the ticks."""

    list_display = ("__str__", "used_by")
    list_before_template = None
    search_fields = ("every",)
    search_help_text = _("Search by number")
    ordering = ("period", "every")
    fieldsets = ((None, {"fields": ("every", "period", "used_by")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the rows that use each."""
        return super().get_queryset(request).prefetch_related("periodictask_set")

    @display(description=_("used by"))
    def used_by(self, obj: IntervalSchedule) -> str:
        """The ticks that follow it."""
        return ", ".join(sorted(str(task.name) for task in obj.periodictask_set.all())) or NOTHING
