"""The weekly report: overview, revenue, costs, products, trends, what to do."""

from collections.abc import Sequence
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.templatetags.levqor import number
from apps.monitoring.figures import dollars
from apps.monitoring.intervals import Span
from apps.monitoring.models import PulseReport
from apps.monitoring.reports import parts
from apps.monitoring.reports.document import Bars, Block, Cell, Document, Figures, Number, Section, Table, Words
from apps.monitoring.selectors import costs, pulse
from apps.monitoring.selectors.metrics import Computed
from apps.monitoring.selectors.pulse import Standing

OVERVIEW = ("runs", "api_calls", "active_developers", "sign_ups", "mrr")
MONEY_WEEKS = 12


def build(span: Span, report: PulseReport, failed: Sequence[Computed] = ()) -> Document:
    """Of the week that ended; `failed` is what could not be counted.

    The cost sheet goes by whole days: those until the one before its end.
    """
    last = span.end.date() - timedelta(days=1)
    found, before = _week(last), _week(last - timedelta(days=7))
    standings = pulse.standings(report)
    columns = [_("This week"), _("Week before"), _("Change")]
    summary = _("Earned %(earned)s without taxes, costs %(costs)s, net margin %(margin)s.") % {
        "earned": dollars(found.earned),
        "costs": dollars(found.costs),
        "margin": dollars(found.margin),
    }
    return Document(
        _("Weekly report %(week)s, %(dates)s") % {"week": report, "dates": report.dates},
        parts.words_of(span),
        summary,
        [
            Section(_("Overview"), [_overview(span, found, before, standings), *_days_missing(found, last)]),
            Section(_("Revenue by product"), [parts.revenue_table(found, before, columns)]),
            Section(_("Costs"), [parts.cost_table(found, before, columns), *_outlook(last)]),
            Section(_("Products"), [*_products(standings, columns), *parts.not_counted(failed)]),
            Section(_("Trends"), parts.worth_drawing([_money_bars(last), *parts.metric_bars()])),
            Section(_("What to do"), [parts.checklist()]),
        ],
    )


def _week(last: date) -> costs.CostSum:
    return costs.summed(last - timedelta(days=6), last)


def _overview(span: Span, found: costs.CostSum, before: costs.CostSum, standings: list[Standing]) -> Figures:
    items = [
        parts.uptime(span),
        parts.earned_number(found, before),
        parts.margin_number(found),
    ]
    by_name = {one.metric: one for one in standings}
    new = _("not counted the week before")
    items += [
        Number(one.label, one.text, new if one.change is None else one.change_text)
        for name in OVERVIEW
        if (one := by_name.get(name))
    ]
    return Figures(items)


def _days_missing(found: costs.CostSum, last: date) -> list[Block]:
    """Said, lest a week of which costs were not collected looks cheap."""
    if found.days == 7:
        return []
    words = _("Costs and revenue were collected for %(days)d of the seven days until %(last)s.")
    return [Words(words % {"days": found.days, "last": parts.day_words(last)}, "wait")]


def _outlook(last: date) -> list[Block]:
    """Break-even and the forecast, where there is one."""
    blocks: list[Block] = []
    even = costs.break_even(last + timedelta(days=1))
    if even is not None and even.customers is not None:
        words = ngettext(
            "Break-even: %(customers)s customer at %(price)s a month (%(label)s), of which Stripe takes %(fee)s, pays "
            "for %(costs)s a month.",
            "Break-even: %(customers)s customers at %(price)s a month (%(label)s), of which Stripe takes %(fee)s each, "
            "pay for %(costs)s a month.",
            even.customers,
        )
        values = {"customers": number(even.customers), "price": dollars(even.price), "label": even.label}
        values["fee"] = dollars(even.fee)
        blocks.append(Words(words % {**values, "costs": dollars(even.monthly_costs)}))
    forecast = costs.newest_forecast()
    if forecast is not None:
        held, scored = costs.forecasts_that_held()
        words = _("Forecast for %(month)s: %(expected)s, between %(low)s and %(high)s.")
        amounts = {name: dollars(getattr(forecast, name)) for name in ("expected", "low", "high")}
        text = words % {"month": forecast, **amounts}
        if scored:
            text += " " + _("Of earlier ones %(held)d of %(scored)d held.") % {"held": held, "scored": scored}
        blocks.append(Words(text))
    return blocks


def _products(standings: list[Standing], columns: list[str]) -> list[Block]:
    """What each product did. What was zero in both weeks is left out, and that is said."""
    moved = [one for one in standings if one.value or one.previous]
    rows = [[Cell(one.product), *cells] for one, cells in zip(moved, parts.standing_rows(moved), strict=True)]
    blocks: list[Block] = [Table([_("Product"), _("Figure"), *columns], rows, empty=_("Nothing was counted."), texts=2)]
    if left := len(standings) - len(moved):
        words = ngettext(
            "%(count)d figure was zero in both weeks and is not shown.",
            "%(count)d figures were zero in both weeks and are not shown.",
            left,
        )
        blocks.append(Words(words % {"count": left}))
    return blocks


def _money_bars(last: date) -> Bars:
    weeks = costs.by_week(last, MONEY_WEEKS)
    first = next((number for number, (_day, found) in enumerate(weeks) if found.days), len(weeks) - 1)
    points = [
        (
            f"{day:%d %b}",
            _("week until %(day)s") % {"day": parts.day_words(day)},
            found,
        )
        for day, found in weeks[first:]
    ]
    return parts.money_bars(_("Revenue: what costs took of it and what is left"), points, _("Week"))
