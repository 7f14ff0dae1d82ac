"""Costs on the administration's page of operations."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from apps.core.kinds import Figure, StaffFigures, StaffPanel
from apps.core.registry import register
from apps.core.staff.display import row_url
from apps.core.templatetags.levqor import number
from apps.monitoring.costs import sheet
from apps.monitoring.figures import dollars, percent
from apps.monitoring.selectors import costs

MONTH = 30
VIEW = "monitoring.view_costday"


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
    chart = sheet.money_chart(sheet.by_day(costs.newest_days(MONTH)))
    return {"chart": chart, "nothing": translated("Nothing was earned or spent yet, or no day was collected.")}


register(
    StaffFigures("costs", _("Costs"), cost_figures, VIEW, 16, "operations"),
    StaffPanel(
        "earned_and_spent",
        _("Earned, spent and left by day, US $"),
        "admin/panels/chart.html",
        cost_chart,
        VIEW,
        16,
        "operations",
    ),
)
