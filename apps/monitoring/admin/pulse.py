"""The weekly pulse as staff see it: a week with the one before, and each figure over the weeks."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.core.admin_base import button
from apps.core.charts import Chart, Point, Series, stacked_bars
from apps.core.kinds import PulseMetric
from apps.core.registry import registry
from apps.core.staff.display import at, when
from apps.monitoring.admin.shared import PagesAdmin, csv_file
from apps.monitoring.figures import drawn, shown, shown_change
from apps.monitoring.models import PulseReport, PulseValue
from apps.monitoring.selectors import pulse

WEEKS = 26
FILLED_BY = ("weekly_pulse",)
CHARTS = ("revenue", "mrr", "runs", "api_calls", "sign_ups", "active_developers")


@admin.register(PulseReport)
class PulseReportAdmin(PagesAdmin):
    """Weeks of the business."""

    ordering = ("-end",)
    empty_text = _("The pulse is taken on Fridays at 14:00, London.")
    empty_jobs = FILLED_BY
    list_display = ("__str__", "begins", "ends", "made")
    search_help_text = _("Paste a pulse_… id")
    fieldsets = ((None, {"fields": (("begins", "ends"), ("made", "full_id"), "shown_values")}),)

    def pages(self) -> Any:
        """The figures over the weeks, one of them, and a file."""
        return (
            ("trends/", "monitoring_pulse", self.trends_view),
            ("metric/<slug:metric>/", "monitoring_metric", self.metric_view),
            ("weeks.csv", "monitoring_pulse_csv", self.csv_view),
        )

    def links(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """On to the weeks together."""
        return [button(_("Over the weeks"), reverse("admin:monitoring_pulse"), "monitoring")]

    def trends_view(self, request: HttpRequest) -> HttpResponse:
        """The newest week, and charts of what matters most."""
        report = PulseReport.objects.order_by("-end").first()
        reports, found = pulse.series(CHARTS, WEEKS)
        charts = [_chart(name, reports, found[name]) for name in CHARTS if found[name]]
        standings = pulse.standings(report) if report else []
        context = {"report": report, "charts": charts, "standings": standings}
        return self.page(request, "pulse.html", _("Weekly pulse"), fill_jobs=() if report else FILLED_BY, **context)

    def metric_view(self, request: HttpRequest, metric: str) -> HttpResponse:
        """One figure, week by week."""
        reports, found = pulse.series([metric], WEEKS * 2)
        values = found[metric]
        newest = PulseValue.objects.filter(metric=metric).order_by("-report__end").first()
        if newest is None:
            raise Http404
        rows, before = [], None
        for report in reports:
            value = values.get(report.pk)
            change = None if value is None or before is None else value - before
            share = change * 100 / abs(before) if change is not None and before else None
            text = None if value is None else shown(value, newest.unit)
            rows.append((report, text, shown_change(change, share, newest.unit)))
            before = value
        context = {"chart": _chart(metric, reports, values), "rows": rows[::-1], "product": newest.product}
        return self.page(request, "metric.html", newest.label, **context)

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        """All weeks and figures; money in dollars."""
        rows = PulseValue.objects.select_related("report").order_by("-report__end", "pk")
        return csv_file(
            "weekly-pulse",
            ("week", "until", "product", "metric", "label", "unit", "value"),
            (
                (
                    str(row.report),
                    row.report.end,
                    row.product,
                    row.metric,
                    row.label,
                    row.unit,
                    row.value / 100 if row.unit == "money" else row.value,
                )
                for row in rows.iterator(chunk_size=2000)
            ),
        )

    @display(description=_("from"))
    def begins(self, obj: PulseReport) -> str:
        """Its begin."""
        return at(obj.start)

    @display(description=_("until"))
    def ends(self, obj: PulseReport) -> str:
        """Its end."""
        return at(obj.end)

    @display(description=_("made"))
    def made(self, obj: PulseReport) -> str:
        """When it was counted last."""
        return when(obj.made_at)

    @display(description=_("figures"))
    def shown_values(self, obj: PulseReport) -> str:
        """With those of the week before."""
        return render_to_string("admin/monitoring/standings.html", {"standings": pulse.standings(obj)})


def _chart(metric: str, reports: list[PulseReport], values: dict[Any, Any]) -> Chart:
    known = registry(PulseMetric).find(metric)
    label = known.label if known else metric
    unit = known.unit if known else ""
    points = [
        Point(f"W{one.end.isocalendar().week}", str(one), {metric: drawn(values.get(one.pk), unit)}) for one in reports
    ]
    words = f"{label}, US $" if unit == "money" else label
    return stacked_bars(words, points, [Series(metric, words, "brand")])
