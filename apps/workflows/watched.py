"""How runs do at this moment: for Prometheus and the status page."""

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, F

from apps.core import heartbeat
from apps.core.clock import now
from apps.core.gauges import few, lag
from apps.monitoring.observing.own_probes import BadAnswerError, status_of
from apps.workflows import platform_statistics as statistics
from apps.workflows.engine.turns import waits_since
from apps.workflows.models import Run, Trigger

Values = Mapping[tuple[str, ...], float]
RECENT = timedelta(minutes=15)
MOST_MEASURED = 5_000
LATE = timedelta(minutes=3)


class StandstillError(Exception):
    """Runs do not go on."""


def queue_depth() -> Values:
    """Runs that are due and that no worker has, whatever holds them up."""
    return {(): few(statistics.due_runs())}


def queue_lag() -> Values:
    """For how long the run has waited that waits the longest, of those that a worker may take."""
    return {(): _waiting(settings.ORGANIZATION_CONCURRENCY)}


def _waiting(fewer_than: int) -> float:
    """Seconds that the oldest due run waits, of organizations that fewer workers than this serve."""
    since = waits_since(fewer_than)
    return max((now() - since).total_seconds(), 0.0) if since is not None else 0.0


def leases() -> Values:
    """Runs that workers have, and those whose worker is silent."""
    held = Run.objects.unscoped().filter(lease_until__isnull=False)
    return {("held",): few(held), ("expired",): few(statistics.expired_leases())}


def states() -> Values:
    """The runs of the last minutes by state."""
    rows = statistics.runs_since(now() - RECENT).order_by().values_list("state").annotate(found=Count("pk"))
    return {(state.value,): 0.0 for state in Run.State} | {(state,): float(found) for state, found in rows}


def durations() -> Values:
    """How long runs took that began and ended in the last minutes: of half of them, and of 95 of 100, at most."""
    rows = statistics.runs_since(now() - RECENT).filter(finished_at__isnull=False, started_at__isnull=False)
    took = rows.annotate(ran=F("finished_at") - F("started_at")).order_by("-pk").values_list("ran", flat=True)
    seconds = sorted(one.total_seconds() for one in took[:MOST_MEASURED])
    if not seconds:
        return {}
    return {(name,): seconds[min(int(len(seconds) * share), len(seconds) - 1)] for name, share in SHARES}


SHARES = (("0.5", 0.5), ("0.95", 0.95))


def runs_go_on() -> str:
    """Whether workers take runs when it is their turn. Raises `StandstillError`.

    Where workers have runs of an organization, what else it wants done waits behind those: for a place of its own, or
    for what it called more urgent. However long its line, that is no standstill; nobody at work for it is one.
    """
    if not heartbeat.is_fresh():
        raise StandstillError("no worker took a tick lately")
    waiting = _waiting(1)
    if waiting > LATE.total_seconds():
        raise StandstillError(f"a run waits for {round(waiting)} s, and no worker has any of its organization's")
    return f"nobody waits for a first worker for more than {round(waiting)} s"


def schedules_fire() -> str:
    """Whether workflows are started when their time comes. Raises `StandstillError`."""
    if not heartbeat.is_fresh():
        raise StandstillError("the scheduler sent no tick lately")
    late = lag(Trigger.objects.unscoped().filter(enabled=True, due_at__isnull=False))
    if late > LATE.total_seconds():
        raise StandstillError(f"a schedule is late by {round(late)} s")
    return f"the latest schedule is late by {round(late)} s"


def webhooks_are_taken() -> str:
    """Whether the address that webhooks call looks for their trigger: one that there isn't is refused as such.

    Raises `BadAnswerError`, or what HTTP raises.
    """
    status = status_of("/hooks/status-probe", "POST")
    if status != 404:
        raise BadAnswerError(f"a webhook for nobody is answered {status}")
    return "webhooks are taken"
