"""Costs and health on the administration's page of operations."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core.kinds import Figure, StaffFigures, StaffPanel
from apps.core.registry import register
from apps.core.staff.display import row_url
from apps.core.templatetags.levqor import number, relative_time
from apps.monitoring import cost_sheet
from apps.monitoring.figures import dollars, percent
from apps.monitoring.models import HealthRun
from apps.monitoring.selectors import costs, health

MONTH = 30
VIEW_COSTS, VIEW_HEALTH = "monitoring.view_costday", "monitoring.view_healthrun"


def cost_figures() -> list[Figure]:
    """The newest day, what is left of a month, break-even, what comes. Two queries."""
    rows, url = costs.newest_days(MONTH), reverse("admin:monitoring_costs")
    if not rows:
        return [Figure(_("Costs"), "—", translated("no day was collected yet"), "wait", url)]
    newest, month, forecast = rows[-1], costs.sum_of(rows), costs.newest_forecast()
    even, note = costs.break_even_of(month), translated("fees estimated") if newest.fees_estimated else str(newest)
    figures = [
        Figure(_("Costs of the newest day"), dollars(newest.costs), note, url=row_url(newest)),
        Figure(
            _("Net margin, 30 days"),
            dollars(month.margin),
            translated("nothing was earned") if month.margin_percent is None else percent(month.margin_percent),
            "bad" if month.margin < 0 else "",
            url,
        ),
    ]
    if even is not None and even.customers is not None:
        words = translated("customers at %(price)s a month, of which Stripe takes %(fee)s")
        words %= {"price": dollars(even.price), "fee": dollars(even.fee)}
        figures.append(Figure(_("Break-even"), number(even.customers), words, url=url))
    if forecast is not None:
        words = translated("%(low)s to %(high)s") % {"low": dollars(forecast.low), "high": dollars(forecast.high)}
        figures.append(Figure(_("Costs of the next 30 days"), dollars(forecast.expected), words, url=row_url(forecast)))
    return figures


def cost_chart() -> dict[str, Any]:
    """A month: earned, spent, left."""
    chart = cost_sheet.money_chart(cost_sheet.by_day(costs.newest_days(MONTH)))
    return {"chart": chart, "nothing": translated("Nothing was earned or spent yet, or no day was collected.")}


def health_figures() -> list[Figure]:
    """The newest looks."""
    url = reverse("admin:monitoring_health")
    monitor, verifier = health.latest(HealthRun.Kind.MONITOR), health.latest(HealthRun.Kind.VERIFIER)
    return [_figure(_("Checks that fail"), monitor, url), _figure(_("Nightly verifier: failed"), verifier, url)]


def _figure(label: Any, run: HealthRun | None, url: str) -> Figure:
    if run is None:
        return Figure(label, "—", translated("not looked yet"), "wait", url)
    states = [one.state for one in run.results.all()]
    failed, warned = states.count("failed"), states.count("warning")
    note = translated("looked %(when)s") % {"when": relative_time(run.made_at)}
    if warned:
        note = f"{note} · " + ngettext("%(count)d warning", "%(count)d warnings", warned) % {"count": warned}
    return Figure(label, number(failed), note, "bad" if failed else "wait" if warned else "ok", url)


register(
    StaffFigures("costs", _("Costs"), cost_figures, VIEW_COSTS, 16, "operations"),
    StaffFigures("health", _("Health"), health_figures, VIEW_HEALTH, 29, "operations"),
    StaffPanel(
        "earned_and_spent",
        _("Earned, spent and left by day, US $"),
        "admin/panels/chart.html",
        cost_chart,
        VIEW_COSTS,
        16,
        "operations",
    ),
)
