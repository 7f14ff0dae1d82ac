"""What staff enter: bills by the month or of a day, and their place in the days that were collected already."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.monitoring.models import CostDay, CostLine, InfrastructureCost
from apps.monitoring.services.costs_sums import add_up

BATCH = 500
ENTERED = {"kind": CostLine.Kind.COST, "source": ""}  # the lines that are bills


def entered(day: date) -> list[CostLine]:
    """What the bills come to on a day."""
    return _on(day, _due(day, day))


def known(first: date, last: date) -> int:
    """What they come to from one day to another, both included."""
    bills = list(_due(first, last))
    days = (date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))
    return sum(line.amount for day in days for line in _on(day, bills))


def share_of(bill: InfrastructureCost, day: date) -> int:
    """What of a bill belongs to a day that lies in its time. The days of a whole month add up to it exactly."""
    if bill.kind == InfrastructureCost.Kind.ONCE:
        return bill.amount
    days = monthrange(day.year, day.month)[1]
    return bill.amount * day.day // days - bill.amount * (day.day - 1) // days


@transaction.atomic
def save(bill: InfrastructureCost) -> int:
    """Keep a bill, new or changed, and put it into the days that are known. Returns how many days were changed."""
    since = [bill.first_day]
    before = InfrastructureCost.objects.select_for_update(no_key=True).filter(pk=bill.pk).first()
    if before is not None:
        since.append(before.first_day)
    bill.full_clean()
    bill.save()
    return _count_again(min(since))


@transaction.atomic
def delete(bill: InfrastructureCost) -> int:
    """Forget a bill, also in the days that are known."""
    since = bill.first_day
    bill.delete()
    return _count_again(since)


def _due(first: date, last: date) -> QuerySet[InfrastructureCost]:
    """Bills of which some day may lie between these two."""
    monthly = Q(kind=InfrastructureCost.Kind.MONTHLY, first_day__lte=last)
    once = Q(kind=InfrastructureCost.Kind.ONCE, first_day__gte=first, first_day__lte=last)
    return InfrastructureCost.objects.filter(monthly & (Q(last_day=None) | Q(last_day__gte=first)) | once).order_by(
        "pk"
    )


def _on(day: date, bills: Iterable[InfrastructureCost]) -> list[CostLine]:
    return [
        CostLine(**ENTERED, category=bill.category, label=bill.label, amount=share_of(bill, day))
        for bill in bills
        if _is_of(bill, day)
    ]


def _is_of(bill: InfrastructureCost, day: date) -> bool:
    if bill.kind == InfrastructureCost.Kind.ONCE:
        return bill.first_day == day
    return bill.first_day <= day and (bill.last_day is None or day <= bill.last_day)


def _count_again(since: date) -> int:
    """Make the bills' own lines anew: Stripe and the other sources are not asked. Days are locked in their order, as
    the collector does."""
    rows = list(CostDay.objects.select_for_update(no_key=True).filter(day__gte=since).order_by("day"))
    if not rows:
        return 0
    bills = list(_due(rows[0].day, rows[-1].day))
    lines = []
    for row in rows:
        for line in _on(row.day, bills):
            line.cost_day = row
            lines.append(line)
    CostLine.objects.filter(cost_day__in=[row.pk for row in rows], **ENTERED).delete()
    CostLine.objects.bulk_create(lines, batch_size=BATCH)
    add_up(rows)
    return len(rows)
