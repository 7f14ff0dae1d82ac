"""Reports to read and to take away."""

import uuid
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import button
from apps.core.staff.display import at, when
from apps.monitoring.admin.shared import PagesAdmin
from apps.monitoring.intervals import Span
from apps.monitoring.models import Report
from apps.monitoring.reports.forms import with_charts
from apps.monitoring.services.reports import file_of

TYPES = {"md": "text/markdown; charset=utf-8", "pdf": "application/pdf"}


@admin.register(Report)
class ReportAdmin(PagesAdmin):
    """What the platform wrote about itself."""

    ordering = ("-end", "-pk")
    empty_text = _(
        "The daily summary is written at 09:00, the weekly report on Fridays at 14:30, the governance report on "
        "Sundays at 09:00 and the quarterly review when a quarter is over, all in London."
    )
    empty_jobs = ("daily_ops_summary", "expansion_monitor", "governance_report", "roi_review")
    list_display = ("title", "shown_kind", "ends", "summary", "made")
    list_filter = (("kind", ChoicesDropdownFilter),)
    list_defer = ("document",)
    search_fields = ("title__icontains",)
    search_help_text = _("Title, or a report_… id")
    fieldsets = ((None, {"fields": (("shown_kind", "made"), "shown")}),)

    def pages(self) -> Any:
        """The files."""
        return (("<uuid:key>/file/<slug:form>/", "monitoring_report_file", self.file_view),)

    def links(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """The files."""
        forms = (("pdf", "PDF", "picture_as_pdf"), ("md", "Markdown", "description"))
        return [
            button(title, reverse("admin:monitoring_report_file", args=[row.pk, form]), icon)
            for form, title, icon in forms
        ]

    def file_view(self, request: HttpRequest, key: uuid.UUID, form: str) -> HttpResponse:
        """A report as a file."""
        if form not in TYPES:
            raise Http404
        report = get_object_or_404(Report, pk=key)
        response = HttpResponse(file_of(report, form), content_type=TYPES[form])
        day = Span(report.start, report.end).last_day
        response["Content-Disposition"] = f'attachment; filename="{report.kind}-{day:%Y-%m-%d}.{form}"'
        return response

    @display(description=_("kind"))
    def shown_kind(self, obj: Report) -> str:
        """In words."""
        return str(obj.get_kind_display())

    @display(description=_("until"))
    def ends(self, obj: Report) -> str:
        """The end of its time."""
        return at(obj.end)

    @display(description=_("made"))
    def made(self, obj: Report) -> str:
        """When it was written last."""
        return when(obj.made_at)

    @display(description=_("report"))
    def shown(self, obj: Report) -> str:
        """The whole of it."""
        return render_to_string("admin/monitoring/report.html", {"document": with_charts(obj.document)})
