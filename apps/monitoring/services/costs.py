"""The daily cost sheet: what a day cost by category, what came in, what is left."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.kinds import CostSource, PulseMetric, RevenueSource
from apps.core.registry import registry
from apps.core.scrubbing import scrub
from apps.monitoring.costs.fees import estimated_fees
from apps.monitoring.figures import dollars, percent
from apps.monitoring.intervals import whole_days
from apps.monitoring.models import CostDay, CostLine
from apps.monitoring.selectors.metrics import computed
from apps.monitoring.services.costs_bills import entered
from apps.monitoring.services.costs_stripe import StripeDay, balance, stripe_days
from apps.monitoring.services.costs_sums import add_up

log = structlog.get_logger(__name__)

AGAIN = 3  # days that are collected once more, as what came late belongs to them
LOOKED_BACK = timedelta(days=35)
PAID, PAYMENTS = "payments_total", "payments"  # the metrics that the estimate of fees goes by
LINES = 500


class CostIncompleteError(RuntimeError):
    """Some source did not tell; what the others told is kept."""


@dataclass
class _Told:
    """What sources said of a day, and which of them said nothing."""

    lines: list[CostLine] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def cost_collector(slot: datetime) -> str:
    """The job: yesterday (UTC), the days before it once more, and those whose fees are only estimated.

    Raises `CostIncompleteError` when a source failed: the job is tried again then.
    """
    yesterday = (slot.astimezone(UTC) - timedelta(days=1)).date()
    failed = collect(days_to_collect(yesterday))
    row = CostDay.objects.get(day=yesterday)
    if failed:
        raise CostIncompleteError("; ".join(f"{name}: {why}" for name, why in sorted(failed.items())))
    if row.fees_estimated:
        words = _("%(day)s: costs %(costs)s (fees estimated), earned %(earned)s, net margin %(margin)s")
    else:
        words = _("%(day)s: costs %(costs)s, earned %(earned)s, net margin %(margin)s")
    share = "" if row.margin_percent is None else f" ({percent(row.margin_percent)})"
    return words % {
        "day": row,
        "costs": dollars(row.costs),
        "earned": dollars(row.earned),
        "margin": f"{dollars(row.margin)}{share}",
    }


def days_to_collect(yesterday: date) -> list[date]:
    """The last days, those that were missed since the first, and those that are estimated still."""
    known = dict(
        CostDay.objects.filter(day__gte=yesterday - LOOKED_BACK, day__lte=yesterday).values_list(
            "day", "fees_estimated"
        )
    )
    since = min(known, default=yesterday)
    missed = {since + timedelta(days=number) for number in range((yesterday - since).days + 1)} - known.keys()
    again = {yesterday - timedelta(days=number) for number in range(AGAIN)}
    return sorted(again | missed | {day for day, estimated in known.items() if estimated})


def collect(days: list[date]) -> dict[str, str]:
    """Make these days anew. Returns why sources failed, by name. Stripe is asked once for all of them, and nobody is
    asked inside a transaction."""
    moved, on_account = stripe_days(days[0], days[-1]), balance()
    failed: dict[str, str] = {}
    for day in days:
        told = _ask(day)
        seen = None if moved is None else moved.get(day, StripeDay())
        _keep(day, told, seen, on_account if day == days[-1] else None)
        failed |= told.failed
    return failed


def _ask(day: date) -> _Told:
    told, span = _Told(), whole_days(day, day)
    for source in registry(CostSource).all():
        amount = _asked(source, partial(source.collect, day), told)
        if amount is not None:
            told.lines.append(_line(source, CostLine.Kind.COST, amount, source.category))
    for earner in registry(RevenueSource).all():
        amount = _asked(earner, partial(earner.collect, span.start, span.end), told)
        if amount:
            told.lines.append(_line(earner, CostLine.Kind.REVENUE, amount))
    return told


def _asked(source: CostSource | RevenueSource, ask: Callable[[], int | None], told: _Told) -> int | None:
    try:
        return ask()
    except Exception as error:  # one vendor's broken answer must not hide all others
        log.warning("cost_source_failed", source=source.name, exc_info=True)
        told.failed[source.name] = scrub(f"{type(error).__name__}: {error}")[:300]
        return None


def _line(source: CostSource | RevenueSource, kind: str, amount: int, category: str = "") -> CostLine:
    return CostLine(kind=kind, category=category, source=source.name[:80], label=str(source.label)[:120], amount=amount)


@transaction.atomic
def _keep(day: date, told: _Told, seen: StripeDay | None, on_account: int | None) -> None:
    """Store a day. What a source told before stays while it fails, and so does what Stripe told while it is away."""
    row, is_new = CostDay.objects.select_for_update(no_key=True).get_or_create(day=day)
    row.lines.exclude(source__in=told.failed).delete()
    lines = [*entered(day), *told.lines]
    for line in lines:
        line.cost_day = row
    CostLine.objects.bulk_create(lines, batch_size=LINES)
    add_up([row])
    earned = list(row.lines.exclude(kind=CostLine.Kind.COST).values_list("source", "amount"))
    addons = {source.name for source in registry(RevenueSource).all() if source.addon}
    row.addon = sum(amount for source, amount in earned if source in addons)
    if seen is not None:
        row.revenue, row.fees, row.fees_estimated, row.note = seen.revenue, seen.fees, False, _left_out(seen)
    elif is_new or row.fees_estimated:
        row.revenue, row.fees, row.fees_estimated, row.note = (
            sum(amount for _source, amount in earned) + row.tax,
            _estimate(day, told, row.fees),
            True,
            "",
        )
    row.balance = on_account if row.balance is None else row.balance
    row.collected_at = now()
    row.save()


def _left_out(seen: StripeDay) -> str:
    if not seen.others:
        return ""
    words = _("Without what moved in %(currencies)s: there is no rate.")
    return (words % {"currencies": ", ".join(sorted(seen.others))})[:300]


def _estimate(day: date, told: _Told, before: int) -> int:
    """Stripe's fees by the payments that we know of; as they were estimated before where these can't be counted."""
    metrics = [metric for name in (PAID, PAYMENTS) if (metric := registry(PulseMetric).find(name))]
    counted = {metric.name: computed(metric, whole_days(day, day)) for metric in metrics}
    failed = {name: one.failed for name, one in counted.items() if one.failed}
    told.failed |= failed
    if failed:
        return before
    total, payments = (int(counted[name].value or 0) if name in counted else 0 for name in (PAID, PAYMENTS))
    return estimated_fees(total, payments)
