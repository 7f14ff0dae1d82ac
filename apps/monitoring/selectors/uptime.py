"""How long components were up.

A minute counts from the first that a component was ever looked at. One without a probe was down. Minutes of announced
maintenance count neither way: from when it was announced or began, the later of the two, so that nobody declares an
outage a maintenance afterwards, until it ended. What is older than the kept minutes is known by whole days (UTC).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import or_

from django.db.models import Avg, Count, Min, OuterRef, Q, Subquery

from apps.core.clock import now
from apps.core.kinds import StatusComponent
from apps.core.registry import registry
from apps.monitoring.intervals import (
    DAY,
    MINUTE,
    Span,
    merged,
    minute_after,
    minute_of,
    minutes,
    start_of,
    whole_days,
    within,
    without,
)
from apps.monitoring.models import Incident, IncidentComponent, IncidentUpdate, Probe, UptimeDay

MINUTES_KEPT = timedelta(days=40)
OF_A_DAY = ("component", "day", "expected", "up", "maintenance", "unmeasured")
PROBE_TAKES = timedelta(seconds=15)  # a minute's last probe is written only then


@dataclass(frozen=True)
class Uptime:
    """Minutes that count, and those that were up. Of those that were not, nobody looked in the unmeasured ones."""

    expected: int
    up: int
    maintenance: int = 0
    unmeasured: int = 0

    @property
    def share(self) -> float | None:
        """Between 0 and 1; None where nothing counts."""
        return self.up / self.expected if self.expected else None

    def __add__(self, other: "Uptime") -> "Uptime":
        return Uptime(
            self.expected + other.expected,
            self.up + other.up,
            self.maintenance + other.maintenance,
            self.unmeasured + other.unmeasured,
        )


NONE = Uptime(0, 0)


def components() -> list[StatusComponent]:
    """In the order of the page."""
    return sorted(registry(StatusComponent).all(), key=lambda one: (one.order, one.name))


def settled_until() -> datetime:
    """Minutes before this have had their probe, or have none."""
    return minute_of(now() - PROBE_TAKES)


def uptime(component: str, start: datetime, end: datetime) -> Uptime:
    """Of one component between two moments: whole minutes that began in [start, end) and are over."""
    return uptimes([component], start, end)[component]


def uptimes(names: Sequence[str], start: datetime, end: datetime) -> dict[str, Uptime]:
    """The same of several, in a handful of queries."""
    start, end = minute_after(start), min(minute_after(end), settled_until())
    kept_from = start_of((now() - MINUTES_KEPT).date())
    if start < kept_from:
        start = start_of(start.date())
    if end < kept_from:
        end = start_of(end.date())
    whole = _whole_days(names, start, end)
    windows, firsts = maintenance(names, start, end), first_minutes(names)
    found: dict[str, Uptime] = {}
    rests: dict[str, list[Span]] = {}
    for name in names:
        days = whole.get(name, {})
        found[name] = sum(days.values(), NONE)
        first = firsts.get(name)
        rest = without([Span(start, end)] if start < end else [], [whole_days(day, day) for day in days])
        rests[name] = within(rest, first, end) if first is not None else []
    spans = {name: without(rest, windows[name]) for name, rest in rests.items()}
    seen = _minutes_seen(spans)
    for name in names:
        count = minutes(spans[name])
        up, measured = seen.get(name, (0, 0))
        found[name] += Uptime(count, up, minutes(rests[name]) - count, count - measured)
    return found


def uptime_percent(start: datetime, end: datetime) -> Decimal | None:
    """Of all components together, for the pulse and reports; None where none was looked at."""
    share = sum(uptimes([one.name for one in components()], start, end).values(), NONE).share
    return None if share is None else round(Decimal(share * 100), 2)


def _whole_days(names: Sequence[str], start: datetime, end: datetime) -> dict[str, dict[date, Uptime]]:
    """Days that are added up and lie wholly between."""
    first = start.date() if start == start_of(start.date()) else start.date() + DAY
    rows = UptimeDay.objects.filter(component__in=names, day__gte=first, day__lt=end.date())
    found: dict[str, dict[date, Uptime]] = defaultdict(dict)
    for name, day, *counted in rows.values_list(*OF_A_DAY):
        found[name][day] = Uptime(*counted)
    return found


def _minutes_seen(spans: Mapping[str, list[Span]]) -> dict[str, tuple[int, int]]:
    """How many minutes were up, and of how many anything is known."""
    wanted: Q | None = None
    by_spans: dict[tuple[Span, ...], list[str]] = defaultdict(list)
    for name, own in spans.items():
        if own:
            by_spans[tuple(own)].append(name)
    for own_spans, names in by_spans.items():
        times = [Q(minute__gte=start, minute__lt=end) for start, end in own_spans]
        both = Q(component__in=names) & _any(times)
        wanted = both if wanted is None else wanted | both
    if wanted is None:
        return {}
    rows = Probe.objects.filter(wanted).order_by().values_list("component")
    counted = rows.annotate(well=Count("pk", filter=Q(up=True)), measured=Count("pk"))
    return {name: (well, measured) for name, well, measured in counted}


def _any(conditions: Iterable[Q]) -> Q:
    first, *others = conditions
    for other in others:
        first = or_(first, other)
    return first


def _first_kept(names: Sequence[str]) -> dict[str, datetime]:
    """The oldest minute that is kept of each: one look into the index for each, where grouping would read all of it."""
    firsts = {
        f"first_{number}": Subquery(Probe.objects.filter(component=name).order_by("minute").values("minute")[:1])
        for number, name in enumerate(names)
    }
    row = Probe.objects.annotate(**firsts).order_by("pk").values_list(*firsts).first() if names else None
    return {name: first for name, first in zip(names, row or (), strict=False) if first is not None}


def first_minutes(names: Sequence[str]) -> dict[str, datetime]:
    """Since when components are looked at."""
    found = _first_kept(names)
    days = UptimeDay.objects.filter(component__in=names).order_by().values_list("component")
    for name, day in days.annotate(first=Min("day")):
        # Of a day that is added up only its own minutes counted: what was before it on that day never counts.
        if name not in found or start_of(day) < start_of(found[name].date()):
            found[name] = start_of(day)
    return found


def last_look() -> datetime | None:
    """The newest minute in which anything was looked at."""
    return Probe.objects.order_by("-minute").values_list("minute", flat=True).first()


def maintenance(names: Sequence[str], start: datetime, end: datetime) -> dict[str, list[Span]]:
    """When announced maintenance ran, of each component: in whole minutes, those at its edges too.

    It began at its time, or when staff said so before that.
    """
    told_to_run = IncidentUpdate.objects.filter(incident=OuterRef("pk"), state=Incident.State.IN_PROGRESS)
    rows = (
        Incident.objects.annotate(begun=Subquery(told_to_run.order_by("told_at").values("told_at")[:1]))
        .filter(
            Q(starts_at__lt=end) | Q(begun__lt=end),
            kind=Incident.Kind.MAINTENANCE,
            ends_at__gt=start,
            components__component__in=names,
        )
        .order_by()
        .values_list("components__component", "starts_at", "begun", "ends_at", "created_at", "over_at")
    )
    found: dict[str, list[Span]] = {name: [] for name in names}
    for name, starts_at, begun, ends_at, told, over in rows:
        assert starts_at is not None and ends_at is not None  # noqa: S101, PT018 - a constraint says so
        begins, ends = max(min(starts_at, begun or starts_at), told), min(ends_at, over or ends_at)
        if name in found and begins < ends:
            found[name].append(Span(minute_of(begins), minute_after(ends)))
    return {name: merged(spans) for name, spans in found.items()}


def under_maintenance() -> set[str]:
    """The components whose announced maintenance runs, or was begun by staff before its time."""
    moment = now()
    running = Incident.objects.filter(
        Q(state=Incident.State.IN_PROGRESS) | Q(starts_at__lte=moment, ends_at__gt=moment),
        kind=Incident.Kind.MAINTENANCE,
        over_at=None,
    )
    return set(IncidentComponent.objects.filter(incident__in=running).values_list("component", flat=True))


def days(names: Sequence[str], first: date, last: date) -> dict[str, dict[date, Uptime]]:
    """Each day from `first` to `last`, today up to now. Days before a component's first have no entry."""
    found: dict[str, dict[date, Uptime]] = {name: {} for name in names}
    rows = UptimeDay.objects.filter(component__in=names, day__range=(first, last))
    for name, day, *counted in rows.values_list(*OF_A_DAY):
        found[name][day] = Uptime(*counted)
    open_days = [
        day
        for day in (first + timedelta(days=number) for number in range((last - first).days + 1))
        if any(day not in found[name] for name in names)
    ]
    began = first_minutes(names)
    earliest = min(began.values(), default=None)
    for day in open_days:
        if earliest is None or start_of(day) + DAY <= earliest:
            continue
        wanted = [
            name for name in names if day not in found[name] and name in began and began[name] < start_of(day) + DAY
        ]
        if wanted:
            for name, uptime_so_far in uptimes(wanted, start_of(day), start_of(day) + DAY).items():
                found[name][day] = uptime_so_far
    return found


def mean_latencies(names: Sequence[str], day: date) -> dict[str, int]:
    """How long the probes of a day took that found the component up, in milliseconds."""
    rows = (
        Probe.objects.filter(component__in=names, minute__gte=start_of(day), minute__lt=start_of(day) + DAY, up=True)
        .order_by()
        .values_list("component")
        .annotate(mean=Avg("latency_ms"))
    )
    return {name: round(mean) for name, mean in rows if mean is not None}


@dataclass(frozen=True)
class LatencyPoint:
    """A day of a component, for charts."""

    day: date
    share: float | None
    latency_ms: int | None


def uptime_series(component: str, number_of_days: int = 90) -> list[LatencyPoint]:
    """The days of one component that are over, the oldest first."""
    since = now().date() - timedelta(days=number_of_days)
    rows = UptimeDay.objects.filter(component=component, day__gte=since).order_by("day")
    return [LatencyPoint(row.day, row.up / row.expected if row.expected else None, row.latency_ms) for row in rows]


def last_minutes(names: Sequence[str], count: int) -> dict[str, list[bool | None]]:
    """Whether the last `count` minutes that are over were up, the newest first; None before the first minute ever."""
    return {name: [up for _minute, up in minutes] for name, minutes in _last(names, count).items()}


def judged_minutes(names: Sequence[str], count: int) -> dict[str, list[bool | None]]:
    """The same for whoever draws conclusions: None also where it was down in announced maintenance, which is no outage.

    One that was up then was up: what was wrong before may be over.
    """
    latest = settled_until() + MINUTE
    windows = maintenance(names, latest - (count + 1) * MINUTE, latest)
    return {
        name: [
            None if up is False and any(start <= minute < end for start, end in windows[name]) else up
            for minute, up in minutes
        ]
        for name, minutes in _last(names, count).items()
    }


def _last(names: Sequence[str], count: int) -> dict[str, list[tuple[datetime, bool | None]]]:
    end = settled_until()
    rows = Probe.objects.filter(component__in=names, minute__gte=end - count * MINUTE, minute__lt=end + MINUTE)
    seen = {(name, minute.astimezone(UTC)): up for name, minute, up in rows.values_list("component", "minute", "up")}
    firsts = first_minutes(names)
    found: dict[str, list[tuple[datetime, bool | None]]] = {}
    for name in names:
        first = firsts.get(name)
        latest = end if (name, end) in seen else end - MINUTE  # the present minute, once somebody looked
        moments = [latest - number * MINUTE for number in range(count)]
        found[name] = [
            (moment, seen.get((name, moment), False) if first is not None and moment >= first else None)
            for moment in moments
        ]
    return found
