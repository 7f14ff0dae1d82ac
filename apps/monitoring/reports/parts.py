"""Parts that several reports have."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.core.kinds import PulseMetric
from apps.core.registry import registry
from apps.core.staff.figures import MOST_COUNTED
from apps.core.templatetags.levqor import number
from apps.monitoring.figures import NOTHING, dollars, drawn, percent, shown, shown_change
from apps.monitoring.intervals import Span
from apps.monitoring.models import Category
from apps.monitoring.models.costs import TAX
from apps.monitoring.reports.document import Bars, Block, Cell, Check, Checks, Number, Table, Words, row
from apps.monitoring.selectors.concerns import concerns
from apps.monitoring.selectors.costs import CostSum
from apps.monitoring.selectors.metrics import Computed, computed, labels_of
from apps.monitoring.selectors.pulse import Standing, series
from apps.monitoring.spans import LONDON

UPTIME = "uptime"  # the name of the metric by which whoever probes tells it
TREND_WEEKS = 12
TRENDS = ("runs", "api_calls", "sign_ups", "mrr")


def words_of(span: Span) -> str:
    """A time in words, as London reads it."""
    zone = ZoneInfo(LONDON)
    first, last = span.start.astimezone(zone), span.end.astimezone(zone)
    return _("%(start)s to %(end)s, London") % {"start": _moment(first), "end": _moment(last)}


def _moment(moment: datetime) -> str:
    return date_format(moment, "j F Y, H:i")


def day_words(day: date) -> str:
    """A day in words."""
    return date_format(day, "j F Y")


def uptime(span: Span) -> Number:
    """How much of the time the platform answered, if somebody probes it."""
    metric = registry(PulseMetric).find(UPTIME)
    found = computed(metric, span) if metric else None
    if found is None or (found.value is None and not found.failed):
        return Number(_("Uptime"), NOTHING, _("nothing was probed"))
    return figure(found, _("Uptime"))


def figure(found: Computed, label: str = "") -> Number:
    """What a metric said, or that it could not."""
    label = label or str(found.metric.label)
    if found.failed or found.value is None:
        return Number(label, NOTHING, _("could not be counted") if found.failed else "", "bad" if found.failed else "")
    return Number(label, shown(found.value, found.metric.unit))


def not_counted(failed: Sequence[Computed]) -> list[Block]:
    """Said, lest what is missing looks as if there were none of it."""
    if not failed:
        return []
    return [Words(_("Could not be counted: %(names)s.") % {"names": labels_of(failed)}, "bad")]


def changed(now: int, before: int, *, up: bool = True) -> Cell:
    """How much an amount of money moved, with whether that is good."""
    change = Decimal(now - before)
    text = shown_change(change, change * 100 / abs(before) if before else None, "money")
    return Cell(text, "" if not change else "ok" if (change > 0) == up else "bad")


def revenue_table(found: CostSum, before: CostSum, columns: Sequence[str]) -> Table:
    """What each product brought in, the most first."""
    labels = sorted(found.revenue_by.keys() | before.revenue_by.keys())
    pairs = [(label, found.revenue_by.get(label, 0), before.revenue_by.get(label, 0)) for label in labels]
    pairs.sort(key=lambda pair: (-pair[1], pair[0]))
    total, total_before = sum(found.revenue_by.values()), sum(before.revenue_by.values())
    rows = [row(label, dollars(now), dollars(then), changed(now, then)) for label, now, then in pairs]
    if rows:
        rows.append(row(_("All, without taxes"), dollars(total), dollars(total_before), changed(total, total_before)))
    return Table([_("Product"), *columns], rows, empty=_("Nothing came in."))


def cost_table(found: CostSum, before: CostSum, columns: Sequence[str]) -> Table:
    """What was spent on what; beside it the taxes, which are in no sum, as they were never ours."""
    names = [(str(label), found.sums[value], before.sums[value]) for value, label in Category.choices]
    names.append((_("Stripe's fees"), found.fees, before.fees))
    rows = [row(label, dollars(now), dollars(then), changed(now, then, up=False)) for label, now, then in names]
    rows.append(
        row(_("All costs"), dollars(found.costs), dollars(before.costs), changed(found.costs, before.costs, up=False))
    )
    tax, tax_before = found.sums[TAX], before.sums[TAX]
    if tax or tax_before:
        moved = Cell(changed(tax, tax_before).text)  # neither good nor bad
        rows.append(row(_("Taxes that came in, not among the costs"), dollars(tax), dollars(tax_before), moved))
    return Table([_("Category"), *columns], rows)


def earned_number(found: CostSum, before: CostSum) -> Number:
    """What came in without taxes, as the net margin is reckoned from it."""
    return Number(_("Earned"), dollars(found.earned), changed(found.earned, before.earned).text)


def margin_number(found: CostSum) -> Number:
    """What is left, with its share."""
    tone = "bad" if found.margin < 0 else ""
    note = _("nothing was earned") if found.margin_percent is None else percent(found.margin_percent)
    return Number(_("Net margin"), dollars(found.margin), note, tone)


def money_bars(title: str, points: Sequence[tuple[str, str, CostSum]], first_column: str) -> Bars:
    """What came in, parted into what costs took of it and what is left; costs that it did not pay for lie below."""
    series = [
        ("paid", _("Revenue that costs took, US $"), "idle"),
        ("left", _("Net margin, US $"), "brand"),
        ("short", _("Costs beyond revenue, US $"), "bad"),
    ]
    return Bars(title, series, [(label, whole, _parted(found)) for label, whole, found in points], first_column)


def _parted(found: CostSum) -> dict[str, float | None]:
    if not found.days:
        return dict.fromkeys(("paid", "left", "short"))
    took = max(min(found.costs, found.earned), 0)
    return {"paid": took / 100, "left": max(found.margin, 0) / 100, "short": min(found.margin, 0) / 100}


def worth_drawing(charts: Sequence[Bars]) -> list[Block]:
    """The charts that show something: one bar, or none, is a frame around nothing. The others are named."""
    worthy = [one for one in charts if _compares(one)]
    left = [one.title for one in charts if one not in worthy]
    words = _("Not drawn, as there is nothing to compare yet: %(titles)s.") % {"titles": "; ".join(left)}
    return [*worthy, *([Words(words)] if left else [])]


def _compares(chart: Bars) -> bool:
    known = [[value for value in values.values() if value is not None] for _label, _title, values in chart.points]
    return sum(bool(values) for values in known) > 1 and any(any(values) for values in known)


def standing_rows(found: Sequence[Standing]) -> list[list[Cell]]:
    """Figures of a week, with the week before."""
    return [row(one.label, one.text, one.previous_text, Cell(one.change_text, one.tone)) for one in found]


def metric_bars(metrics: Sequence[str] = TRENDS, weeks: int = TREND_WEEKS) -> list[Bars]:
    """A chart for each metric that was counted, over the last weeks."""
    reports, found = series(metrics, weeks)
    charts = []
    for name in metrics:
        known, values = registry(PulseMetric).find(name), found[name]
        if known is None or not values:
            continue
        label = f"{known.label}, US $" if known.unit == "money" else str(known.label)
        points = [
            (f"W{one.end.isocalendar().week}", str(one), {name: drawn(values.get(one.pk), known.unit)})
            for one in reports
        ]
        charts.append(Bars(label, [(name, label, "brand")], points, _("Week")))
    return charts


def checklist() -> Checks:
    """What staff should look at; of the rest there is none."""
    return Checks([Check(one.label, _count(one.count), one.count == 0, one.url) for one in concerns()])


def _count(count: int | None) -> str:
    if not count:
        return _("could not be counted") if count is None else ""
    return f"{number(MOST_COUNTED)}+" if count > MOST_COUNTED else number(count)
