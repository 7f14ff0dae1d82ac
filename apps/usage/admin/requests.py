"""The log of API requests for staff who help: what was called and how it ended, never what was sent."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from apps.core.staff.display import tag, when
from apps.usage.admin.metering import EventPeriodFilter, MeteringAdmin
from apps.usage.models import ApiRequest

TONES = {
    ApiRequest.Outcome.OK.value: "ok",
    ApiRequest.Outcome.REFUSED.value: "wait",
    ApiRequest.Outcome.FAILED.value: "bad",
}


@admin.register(ApiRequest)
class ApiRequestAdmin(MeteringAdmin):
    """One call as its organization's developers see it, but for the body."""

    along = "-at"
    list_display = ("when_at", "organization_link", "method", "path", "shown_status", "shown_took", "key", "person")
    list_filter = (EventPeriodFilter, ("organization", AutocompleteSelectFilter))
    ordering = ("-id",)
    search_fields = ("request_id__exact",)
    search_help_text = _("Request id, org_… or the organization's slug")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("when_at", "organization_link"),
                    ("method", "path"),
                    ("shown_status", "shown_took"),
                    ("key", "person"),
                    ("request_id", "address"),
                    "left_out",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiRequest]:
        """Without what was sent."""
        rows: QuerySet[ApiRequest] = super().get_queryset(request).defer("body")
        return rows

    @display(description=_("at"))
    def when_at(self, obj: ApiRequest) -> str:
        """When."""
        return when(obj.at)

    @display(description=_("status"))
    def shown_status(self, obj: ApiRequest) -> str:
        """In colour."""
        return tag(obj.status, TONES[obj.outcome])

    @display(description=_("took"))
    def shown_took(self, obj: ApiRequest) -> str:
        """How long the view took."""
        return f"{obj.milliseconds} ms"
