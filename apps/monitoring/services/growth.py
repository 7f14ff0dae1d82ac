"""Who works with the platform: active organizations by day, growth, and which of each week's new ones come back."""

from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts import pulse as accounts
from apps.accounts.models import Organization
from apps.core.kinds import ActivitySource
from apps.core.registry import registry
from apps.monitoring.intervals import whole_days
from apps.monitoring.models import ActiveDay, GrowthDay, RetainedWeek

WEEK, MONTH = timedelta(days=7), timedelta(days=30)
CAUGHT_UP = 35  # days that are filled in when they were missed
AGAIN = 2  # days that are made anew, as what came late belongs to them
COHORTS = 26  # weeks back
KEPT = timedelta(days=400)

_ADD = """
INSERT INTO {table} (day, organization_id) SELECT {day}, organization_id FROM ({found}) active GROUP BY organization_id
"""


def retention_aggregation(slot: datetime) -> str:
    """The job: who was active on the days until yesterday (UTC), and which cohorts came back."""
    yesterday = (slot.astimezone(UTC) - timedelta(days=1)).date()
    days = _missing(yesterday)
    active = {day: note_active(day) for day in days}
    cells = retain(yesterday)
    ActiveDay.objects.unscoped().filter(day__lt=yesterday - KEPT).delete()
    found = active[yesterday]
    who = ngettext("%(active)d active organization", "%(active)d active organizations", found) % {"active": found}
    told = ngettext("%(cells)d figure of retention", "%(cells)d figures of retention", cells) % {"cells": cells}
    return f"{yesterday:%Y-%m-%d}: {who}; {told}"


def _missing(yesterday: date) -> list[date]:
    last = ActiveDay.objects.unscoped().order_by("-day").values_list("day", flat=True).first()
    begin = yesterday - timedelta(days=AGAIN - 1)
    earliest = yesterday - timedelta(days=CAUGHT_UP)
    begin = min(begin, max(earliest, last or earliest))
    return [begin + timedelta(days=number) for number in range((yesterday - begin).days + 1)]


@transaction.atomic
def note_active(day: date) -> int:
    """Make the rows of a day anew, in one statement within the database. Returns how many organizations were active."""
    span = whole_days(day, day)
    queries = [
        source.organizations(span.start, span.end).query.sql_with_params() for source in registry(ActivitySource).all()
    ]
    rows = ActiveDay.objects.unscoped().filter(day=day)
    rows.delete()
    if queries:
        found = " UNION ALL ".join(f"SELECT organization_id FROM ({sql}) source" for sql, _values in queries)
        values = [value for _sql, params in queries for value in params]
        text = _ADD.format(table=ActiveDay._meta.db_table, found=found, day=f"'{day:%Y-%m-%d}'")
        with connection.cursor() as cursor:
            cursor.execute(text, values)
    return rows.count()


@transaction.atomic
def retain(until: date) -> int:
    """Count the last cohorts anew: for each week after the one they came in, that is over or runs. Two queries each."""
    monday = until - timedelta(days=until.weekday())
    cells = []
    for age in range(COHORTS):
        cohort = monday - age * WEEK
        span = whole_days(cohort, cohort + timedelta(days=6))
        came = Organization.objects.filter(created_at__gte=span.start, created_at__lt=span.end, livemode=True)
        size = came.count()
        if not size:
            continue
        active = ActiveDay.objects.unscoped().filter(organization__in=came, day__gte=cohort, day__lte=until).order_by()
        found = active.aggregate(**{f"week_{number}": _in_week(cohort + number * WEEK) for number in range(age + 1)})
        cells += [
            RetainedWeek(cohort=cohort, week=number, size=size, active=found[f"week_{number}"])
            for number in range(age + 1)
        ]
    RetainedWeek.objects.filter(cohort__gt=monday - COHORTS * WEEK).delete()
    RetainedWeek.objects.bulk_create(cells)
    return len(cells)


def _in_week(monday: date) -> Count:
    """How many different organizations were active in a week."""
    return Count("organization", distinct=True, filter=Q(day__gte=monday, day__lt=monday + WEEK))


def growth_retention(slot: datetime) -> str:
    """The job: yesterday's growth (UTC), and that of the days before which have none yet."""
    yesterday = (slot.astimezone(UTC) - timedelta(days=1)).date()
    known = set(GrowthDay.objects.filter(day__gte=yesterday - timedelta(days=CAUGHT_UP)).values_list("day", flat=True))
    first = min(known, default=yesterday)
    days = {first + timedelta(days=number) for number in range((yesterday - first).days + 1)} - known
    days |= {yesterday - timedelta(days=number) for number in range(AGAIN)}
    for day in sorted(days):
        row = grow(day)
    words = _("%(day)s: %(people)d sign-ups, %(day_active)d active that day, %(week)d in a week, %(month)d in a month")
    return words % {
        "day": row,
        "people": row.sign_ups,
        "day_active": row.active_day,
        "week": row.active_week,
        "month": row.active_month,
    }


def grow(day: date) -> GrowthDay:
    """Count a day."""
    span = whole_days(day, day)
    values = {
        "sign_ups": accounts.sign_ups(span.start, span.end),
        "new_organizations": accounts.new_organizations(span.start, span.end),
        "active_day": _active(day, timedelta(days=1)),
        "active_week": _active(day, WEEK),
        "active_month": _active(day, MONTH),
    }
    row, _created = GrowthDay.objects.update_or_create(day=day, defaults=values)
    return row


def _active(day: date, back: timedelta) -> int:
    rows = ActiveDay.objects.unscoped().filter(day__gt=day - back, day__lte=day)
    found: int = rows.aggregate(count=Count("organization", distinct=True))["count"]
    return found
