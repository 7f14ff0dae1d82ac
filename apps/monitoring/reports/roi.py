"""The quarterly review: what sells, how the API is used, who becomes a customer, whether prices are right."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.kinds import PulseMetric
from apps.core.registry import registry
from apps.core.templatetags.levqor import number
from apps.monitoring.figures import dollars, percent
from apps.monitoring.intervals import Span
from apps.monitoring.models import PulseReport, PulseValue, RetainedWeek
from apps.monitoring.reports import parts
from apps.monitoring.reports.document import Bars, Block, Cell, Document, Figures, Number, Section, Table, Words, row
from apps.monitoring.selectors import costs
from apps.monitoring.selectors.metrics import Computed, computed
from apps.usage.pulse import calls_by_category, calls_by_hour

RETAINED = 4  # weeks later
FULL = Decimal(100)


def build(span: Span, before: Span) -> Document:
    """Of the quarter that ended, beside the one before it."""
    found, then = _money(span), _money(before)
    columns = [_("This quarter"), _("Quarter before"), _("Change")]
    best = max(found.revenue_by.items(), key=lambda pair: pair[1], default=None)
    summary = _("Nothing was sold.")
    if best and best[1] > 0:
        summary = _("%(product)s sold best, with %(amount)s.") % {"product": best[0], "amount": dollars(best[1])}
    quarter = (span.last_day.month - 1) // 3 + 1
    return Document(
        _("Quarterly review %(year)d-Q%(quarter)d") % {"year": span.last_day.year, "quarter": quarter},
        parts.words_of(span),
        summary,
        [
            Section(_("Money"), [_overview(found, then), *_months(span)]),
            Section(_("What sells"), [parts.revenue_table(found, then, columns), *_shares(found)]),
            Section(_("Plans"), [_plans(span)]),
            Section(_("How the API is used"), _usage(span)),
            Section(_("Who becomes a customer"), [_conversion(span, before, columns)]),
            Section(_("Prices"), _prices(span, found)),
            Section(_("What to do"), [parts.checklist()]),
        ],
    )


def _money(span: Span) -> costs.CostSum:
    return costs.summed(_first(span), span.last_day)


def _first(span: Span) -> date:
    """The first whole day: a quarter begins at midnight in London, which may be an hour before midnight UTC."""
    return (span.start + timedelta(hours=12)).astimezone(UTC).date()


def _overview(found: costs.CostSum, then: costs.CostSum) -> Figures:
    spent = parts.changed(found.costs, then.costs, up=False)
    addon = parts.changed(found.sums["addon"], then.sums["addon"])
    return Figures(
        [
            parts.earned_number(found, then),
            Number(_("Costs"), dollars(found.costs), spent.text),
            parts.margin_number(found),
            Number(_("Add-on revenue"), dollars(found.sums["addon"]), addon.text),
        ]
    )


def _months(span: Span) -> list[Block]:
    points = []
    day = _first(span)
    while day <= span.last_day:
        after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        found = costs.summed(day, min(after - timedelta(days=1), span.last_day))
        points.append((f"{day:%b}", f"{day:%B %Y}", found))
        day = after
    title = _("Revenue by month: what costs took of it and what is left")
    return parts.worth_drawing([parts.money_bars(title, points, _("Month"))])


def _shares(found: costs.CostSum) -> list[Block]:
    total = sum(amount for amount in found.revenue_by.values() if amount > 0)
    if not total:
        return []  # the table says that nothing came in
    ordered = sorted(found.revenue_by.items(), key=lambda pair: -pair[1])
    text = "; ".join(f"{label}: {percent(amount * FULL / total)}" for label, amount in ordered if amount > 0)
    return [Words(_("Shares: %(shares)s.") % {"shares": text})]


def _plans(span: Span) -> Table:
    """Subscriptions by plan at the end, beside the beginning, as the pulse saw them."""
    now, then = _values_until(span.end), _values_until(span.start)
    rows = []
    for name in sorted(now):
        if name.startswith("subscriptions_"):
            recurring = now.get(f"mrr_{name.removeprefix('subscriptions_')}")
            was = then.get(name)
            rows.append(
                row(
                    now[name].product,
                    number(int(now[name].value)),
                    "—" if was is None else number(int(was.value)),
                    dollars(None if recurring is None else recurring.value),
                )
            )
    columns = [_("Plan"), _("At the end"), _("At the beginning"), _("MRR at the end")]
    return Table(columns, rows, empty=_("No pulse was taken in this quarter."))


def _values_until(moment: datetime) -> dict[str, PulseValue]:
    report = PulseReport.objects.filter(end__lte=moment).order_by("-end").first()
    return {value.metric: value for value in PulseValue.objects.filter(report=report)} if report else {}


def _usage(span: Span) -> list[Block]:
    by_category = calls_by_category(span.start, span.end)
    total = sum(by_category.values())
    if not total:
        return [Words(_("Nobody called the API."))]
    ordered = sorted(by_category.items(), key=lambda pair: (-pair[1], pair[0]))
    rows = [row(name, number(calls), percent(calls * FULL / total)) for name, calls in ordered]
    by_hour = calls_by_hour(span.start, span.end)
    points = [(f"{hour:02d}", f"{hour:02d}:00 UTC", {"calls": float(by_hour.get(hour, 0))}) for hour in range(24)]
    bars = Bars(_("API calls by hour of the day (UTC)"), [("calls", _("API calls"), "brand")], points, _("Hour"))
    return [Table([_("Category"), _("Calls"), _("Share")], rows), bars]


def _conversion(span: Span, before: Span, columns: list[str]) -> Table:
    rows = []
    for name in ("sign_ups", "new_organizations", "payments"):
        metric = registry(PulseMetric).find(name)
        if metric is not None:
            counted = [computed(metric, one) for one in (span, before)]
            if any(one.failed for one in counted):
                shown = [parts.figure(one).value for one in counted]
                rows.append(row(str(metric.label), *shown, Cell(_("could not be counted"), "bad")))
                continue
            now, then = (int(one.value or 0) for one in counted)
            moved = now - then
            tone = "" if not moved else "ok" if moved > 0 else "bad"
            rows.append(row(str(metric.label), number(now), number(then), Cell(f"{moved:+,d}", tone)))
    kept = [_retained(one) for one in (span, before)]
    label = _("Organizations that were active %(weeks)d weeks after they came") % {"weeks": RETAINED}
    rows.append(row(label, percent(kept[0]), percent(kept[1]), "—"))
    return Table([_("Step"), *columns], rows)


def _retained(span: Span) -> Decimal | None:
    cells = RetainedWeek.objects.filter(cohort__gte=_first(span), cohort__lte=span.last_day, week=RETAINED)
    size, active = (
        (sum(values) for values in zip(*cells.values_list("size", "active"), strict=True)) if cells else (0, 0)
    )
    return active * FULL / size if size else None


def _prices(span: Span, found: costs.CostSum) -> list[Block]:
    """What a paying subscription brings in, what goes beyond plans, and how many customers pay for it all."""
    at_end = _values_until(span.end)
    items = []
    paying, mrr = at_end.get("active_subscriptions"), at_end.get("mrr")
    if paying and mrr and paying.value:
        items.append(Number(_("MRR by paying subscription"), dollars(mrr.value / paying.value)))
    over, api = (registry(PulseMetric).find(name) for name in ("overage_revenue", "api_revenue"))
    if over and api:
        items.append(_overage(computed(over, span), computed(api, span)))
    even = costs.break_even(span.last_day + timedelta(days=1))
    if even is not None and even.customers is not None:
        customers = ngettext("%(count)s customer", "%(count)s customers", even.customers)
        words = _("at %(price)s a month, of which Stripe takes %(fee)s")
        note = words % {"price": dollars(even.price), "fee": dollars(even.fee)}
        items.append(Number(_("Break-even"), customers % {"count": number(even.customers)}, note))
    if found.revenue:
        items.append(Number(_("Stripe's part of revenue"), percent(found.fees * FULL / found.revenue)))
    return [Figures(items)] if items else [Words(_("There are no figures to judge prices by."))]


def _overage(over: Computed, api: Computed) -> Number:
    label = _("Overage of API revenue")
    if over.failed or api.failed:
        return parts.figure(over if over.failed else api, label)
    beyond, whole = over.value or 0, api.value or 0
    share = beyond * FULL / whole if whole else None
    return Number(label, percent(share), _("the API brought nothing in") if share is None else dollars(beyond))
