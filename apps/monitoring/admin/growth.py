"""Growth by day, and which of each week's new organizations come back."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.core.charts import Point, Series, stacked_bars
from apps.core.templatetags.levqor import number
from apps.monitoring.admin.shared import PagesAdmin, csv_file
from apps.monitoring.models import GrowthDay
from apps.monitoring.selectors.growth import cohorts

DAYS = 60
FILLED_BY = ("retention_aggregation", "growth_retention")
SERIES = (
    Series("sign_ups", _("Sign-ups"), "brand"),
    Series("day", _("Organizations active on the day"), "hue-2"),
    Series("week", _("Organizations active in 7 days"), "hue-5"),
    Series("month", _("Organizations active in 30 days"), "hue-3"),
)


@admin.register(GrowthDay)
class GrowthDayAdmin(PagesAdmin):
    """Days."""

    ordering = ("-day",)
    empty_text = _("Every day is counted shortly after midnight UTC.")
    empty_jobs = FILLED_BY
    list_display = ("__str__", "people", "made", "on_day", "in_week", "in_month")
    search_fields = ()
    fieldsets = ((None, {"fields": (("__str__", "people"), ("made", "on_day"), ("in_week", "in_month"))}),)

    def pages(self) -> Any:
        """All of it on one page, and a file."""
        return (
            ("growth/", "monitoring_growth", self.growth_view),
            ("days.csv", "monitoring_growth_csv", self.csv_view),
            ("cohorts.csv", "monitoring_cohorts_csv", self.cohorts_csv_view),
        )

    def growth_view(self, request: HttpRequest) -> HttpResponse:
        """Charts, and the weeks as a heat table."""
        rows = list(GrowthDay.objects.order_by("-day")[:DAYS])[::-1]
        points = [
            Point(
                f"{row.day:%d %b}",
                f"{row.day:%d %B %Y}",
                {"sign_ups": row.sign_ups, "day": row.active_day, "week": row.active_week, "month": row.active_month},
            )
            for row in rows
        ]
        charts = [stacked_bars(one.label, points, [one]) for one in SERIES]
        found = cohorts()
        weeks = range(max((len(one.shares) for one in found), default=0))
        context = {
            "fill_jobs": () if rows else FILLED_BY,
            "newest": rows[-1] if rows else None,
            "charts": charts,
            "cohorts": found,
            "weeks": weeks,
        }
        return self.page(request, "growth.html", _("Growth and retention"), **context)

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        """All days."""
        names = ("day", "sign_ups", "new_organizations", "active_day", "active_week", "active_month")
        return csv_file("growth", names, GrowthDay.objects.order_by("-day").values_list(*names).iterator(2000))

    def cohorts_csv_view(self, request: HttpRequest) -> HttpResponse:
        """All cohorts."""
        rows = ((one.monday, one.size, *one.active) for one in cohorts())
        return csv_file("retention", ("week", "organizations", "active in week 0, 1, …"), rows)

    @display(description=_("sign-ups"))
    def people(self, obj: GrowthDay) -> str:
        """People who joined."""
        return number(obj.sign_ups)

    @display(description=_("new organizations"))
    def made(self, obj: GrowthDay) -> str:
        """Without sandboxes."""
        return number(obj.new_organizations)

    @display(description=_("active that day"))
    def on_day(self, obj: GrowthDay) -> str:
        """Organizations."""
        return number(obj.active_day)

    @display(description=_("active in 7 days"))
    def in_week(self, obj: GrowthDay) -> str:
        """Organizations."""
        return number(obj.active_week)

    @display(description=_("active in 30 days"))
    def in_month(self, obj: GrowthDay) -> str:
        """Organizations."""
        return number(obj.active_month)
