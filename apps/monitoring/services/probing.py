"""Looking at every component once a minute, and adding days up once they are over."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from datetime import date, datetime, timedelta

import structlog
from django.db import connections

from apps.core import heartbeat
from apps.core.clock import now
from apps.core.context import bound
from apps.core.kinds import StatusComponent
from apps.core.registry import registry
from apps.core.rows import delete_in_batches
from apps.core.scrubbing import scrub
from apps.monitoring.intervals import DAY, minute_of, start_of
from apps.monitoring.models import Probe, UptimeDay
from apps.monitoring.selectors.uptime import MINUTES_KEPT, components, mean_latencies, settled_until, uptimes

log = structlog.get_logger(__name__)

PROBE_TASK = "monitoring.probe_components"
PATIENCE_SECONDS = 10.0
BEGINS_AFTER = timedelta(minutes=3)  # a worker may be there before the web process, and before its own first tick
ROLLED_AT_MOST = 100  # days at once: a long pause is caught up with in a few runs


class ProbeFailedError(Exception):
    """A component answers, but not as it should."""


def probe_minute() -> int:
    """Look at the components that nobody looked at in this minute. Returns how many were down."""
    if is_starting():
        return 0
    minute = minute_of(now())
    seen = set(Probe.objects.filter(minute=minute).values_list("component", flat=True))
    missing = [one for one in components() if one.name not in seen]
    if not missing:
        return 0
    rows = ask_all(missing, minute)
    Probe.objects.bulk_create(rows, ignore_conflicts=True)
    for row in rows:
        if not row.up:
            log.warning("component_down", component=row.component, seen=row.seen)
    return sum(not row.up for row in rows)


def is_starting() -> bool:
    """Whether this installation starts for the first time, so that what is not there yet is not down."""
    if heartbeat.ran_for() >= BEGINS_AFTER:
        return False
    return not Probe.objects.exists() and not UptimeDay.objects.exists()


def ask_all(asked: Sequence[StatusComponent], minute: datetime) -> list[Probe]:
    """Ask them side by side: none waits for another, and all of them together not longer than one may take."""
    pool = ThreadPoolExecutor(max_workers=len(asked), thread_name_prefix="probe")
    began = time.monotonic()
    answers = [(one, pool.submit(_ask, one)) for one in asked]
    rows = []
    for one, answer in answers:
        try:
            up, taken, seen = answer.result(timeout=max(began + PATIENCE_SECONDS - time.monotonic(), 0))
        except TookTooLong:
            up, taken, seen = False, round(PATIENCE_SECONDS * 1000), "no answer in time"
        rows.append(Probe(component=one.name, minute=minute, up=up, latency_ms=taken, seen=seen))
    pool.shutdown(wait=False, cancel_futures=True)
    return rows


def _ask(component: StatusComponent) -> tuple[bool, int, str]:
    try:
        return _examine(component)
    finally:
        connections.close_all()  # the thread's own


def _examine(component: StatusComponent) -> tuple[bool, int, str]:
    began = time.perf_counter()
    try:
        with bound(actor_label=f"probe {component.name}"):
            up, seen = True, component.probe()
    except Exception as error:  # noqa: BLE001 - whatever breaks is what was to be found out
        up, seen = False, f"{type(error).__name__}: {' '.join(str(error).split())}"
    return up, round((time.perf_counter() - began) * 1000), scrub(seen)[:200]


def roll_up(until: datetime) -> int:
    """Add up the days that are over and were not yet. Returns how many rows were written.

    Each is written once: what it says then stays, whatever is changed about maintenance later.
    """
    names = [one.name for one in registry(StatusComponent).all()]
    first = Probe.objects.order_by("minute").values_list("minute", flat=True).first()
    end = min(until, settled_until()).date()
    if first is None:
        return 0
    day, written, rolled = first.date(), 0, 0
    done = _days_done(first.date())
    while day < end and rolled < ROLLED_AT_MOST:
        missing = [name for name in names if (name, day) not in done]
        if missing:
            written += _roll(missing, day)
            rolled += 1
        day += timedelta(days=1)
    return written


def _days_done(since: date) -> set[tuple[str, date]]:
    return set(UptimeDay.objects.filter(day__gte=since).values_list("component", "day"))


def _roll(names: Sequence[str], day: date) -> int:
    counted, latencies = uptimes(names, start_of(day), start_of(day) + DAY), mean_latencies(names, day)
    rows = [
        UptimeDay(
            component=name,
            day=day,
            expected=one.expected,
            up=one.up,
            maintenance=one.maintenance,
            unmeasured=one.unmeasured,
            latency_ms=latencies.get(name),
        )
        for name, one in counted.items()
        if one.expected or one.maintenance
    ]
    UptimeDay.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def forget_minutes(slot: datetime) -> int:
    """Delete the minutes of days that are added up and old, in batches. Returns how many."""
    before = start_of((slot - MINUTES_KEPT).date())
    oldest = Probe.objects.order_by("minute").values_list("minute", flat=True).first()
    if oldest is None:
        return 0
    done = _days_done(oldest.date())
    known = [one.name for one in registry(StatusComponent).all()]
    day, deleted = oldest.date(), 0
    while start_of(day) < before:
        kept = [name for name in known if (name, day) not in done]  # nothing is lost that is not added up yet
        old = Probe.objects.filter(minute__gte=start_of(day), minute__lt=start_of(day) + DAY)
        waiting = old.filter(component__in=kept).values_list("component", flat=True).distinct() if kept else []
        deleted += delete_in_batches(old.exclude(component__in=list(waiting)))
        day += timedelta(days=1)
    return deleted


def uptime_rollup(slot: datetime) -> str:
    """The nightly job: days first, then minutes."""
    return f"{roll_up(slot)} days added up, {forget_minutes(slot)} minutes forgotten"
