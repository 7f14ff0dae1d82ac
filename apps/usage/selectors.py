"""Reads of the usage app: how an organization stands, and the events behind a figure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import BigIntegerField, Case, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.errors import InvalidInputError
from apps.core.pagination import DEFAULT_LIMIT, Page
from apps.usage.gate import stream
from apps.usage.gate.either import gate
from apps.usage.gate.port import METER
from apps.usage.limits import Limits, limits_of
from apps.usage.meters import TOKENS
from apps.usage.models import STAFF, StreamPosition, UsageEvent, UsageTotal
from apps.usage.periods import Period
from apps.usage.plans import PLANS


@dataclass(frozen=True)
class Standing:
    """What an organization has used of its present period. `remaining` is None where any number is included."""

    limits: Limits
    period: Period
    used: int
    by_category: dict[str, int]
    tokens: int

    @property
    def remaining(self) -> int | None:
        """The calls left; never below 0."""
        return None if self.limits.quota is None else max(self.limits.quota - self.used, 0)

    @property
    def credits_left(self) -> int:
        """The calls paid for in advance that are left, beside those that the plan includes."""
        beyond = max(self.used - (self.limits.quota or 0), 0)
        return max(self.limits.credits_in(self.period) - beyond, 0)

    @property
    def overage(self) -> int:
        """Calls beyond the quota and the credits of a plan that lets them pass."""
        if not self.limits.soft or self.limits.quota is None:
            return 0
        return max(self.used - self.limits.quota - self.limits.credits_in(self.period), 0)

    @property
    def percent(self) -> int | None:
        """How much of the quota is used, whole percent, rounded down; above 100 with overage."""
        return None if not self.limits.quota else self.used * 100 // self.limits.quota


def standing(organization: Organization) -> Standing:
    """How an organization stands, exact up to this call."""
    limits = limits_of(organization)
    period = limits.period(now())
    counted = gate.counted(organization.pk, period)
    totals = UsageTotal.objects.for_organization(organization).filter(period=period.name, meter=TOKENS, category="")
    tokens = totals.values_list("total", flat=True).first() or 0
    return Standing(limits, period, counted.calls, dict(sorted(counted.by_category.items())), tokens)


def counted_in(organization: Organization, period: Period) -> int:
    """The calls of a period that have their events in the database: what is billed, a second or so behind the gate."""
    rows = UsageTotal.objects.for_organization(organization).filter(period=period.name, meter=METER, category="")
    return rows.values_list("total", flat=True).first() or 0


def totals_with_quota(period: str) -> QuerySet[Any]:
    """The totals of a month's calls in the database, each with its organization's `quota` (None: any number)."""
    included = Case(
        *[When(plan=plan.code, then=Value(plan.calls)) for plan in PLANS.values() if plan.calls is not None],
        default=None,
        output_field=BigIntegerField(),
    )
    plan = Coalesce("organization__usage_limits__plan", Value(settings.API_DEFAULT_PLAN))
    return (
        UsageTotal.objects.unscoped()
        .filter(period=period, meter=METER, category="", organization__livemode=True)
        .annotate(plan=plan, quota=Coalesce("organization__usage_limits__calls", included))
        .select_related("organization")
    )


def events_behind(
    organization: Organization,
    of: str,
    begin: datetime,
    end: datetime,
    *,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
    **group: Any,
) -> Page[UsageEvent]:
    """A page of the events that a figure is made of, the newest first, along their index. One query.

    `of` is the name that they carry; `begin` and `end` are the hour or the period, as full hours; `group` may name
    `category`, `key_id` and `user_id`. Raises `InvalidInputError` for a cursor that no page gave out.
    """
    rows = UsageEvent.objects.for_organization(organization).filter(meter=of, hour__gte=begin, hour__lt=end, **group)
    if cursor:
        rows = _behind(rows, cursor)
    found = list(rows.order_by("-hour", "-pk")[: limit + 1])
    page, more = found[:limit], len(found) > limit
    return Page(page, f"{page[-1].hour.timestamp():.0f}.{page[-1].pk}" if more else None)


def _behind(rows: QuerySet[UsageEvent], cursor: str) -> QuerySet[UsageEvent]:
    hour, _dot, key = cursor.partition(".")
    if not (cursor.isascii() and hour.isdigit() and key.isdigit() and len(hour) <= 10 and len(key) <= 18):
        raise InvalidInputError(_("“cursor” is not a cursor that this list gave out."), code="invalid_cursor")
    moment = datetime.fromtimestamp(int(hour), UTC)
    return rows.filter(Q(hour__lt=moment) | Q(hour=moment, pk__lt=int(key)), hour__lte=moment)


def correction_of(event: UsageEvent) -> UsageEvent | None:
    """What took an event back. Whoever takes back does so in the event's own hour."""
    found = UsageEvent.objects.for_organization(event.organization_id).filter(
        hour=event.hour,
        meter=event.meter,
        corrects=event.source_id,
        corrects__gt="",  # as the index says it
    )
    return found.order_by("corrects").first()


def corrected_by(correction: UsageEvent) -> UsageEvent | None:
    """The event that a correction takes back, where it can be found: not one of a Redis that is no longer there."""
    rows = UsageEvent.objects.for_organization(correction.organization_id)
    if not correction.corrects:
        return None
    if correction.source == STAFF:
        return rows.filter(pk=int(correction.source_id)).first()
    incarnation = StreamPosition.objects.values_list("incarnation", flat=True).first()
    sources = {correction.source, stream.source(incarnation or "")}
    return rows.filter(source__in=sources, source_id=correction.corrects).first()
