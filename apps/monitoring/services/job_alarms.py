"""Alarms of scheduled jobs that are late, fail or never ran, and of a watchdog that does not watch."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.core import heartbeat
from apps.core.clock import now
from apps.core.job_health import JobHealth, look
from apps.core.kinds import AlertType, Checked
from apps.core.models import Heartbeat
from apps.monitoring.services import outages
from apps.notifications.selectors import open_alerts
from apps.notifications.services.alerts import fire, resolve

TICK_TASK = "monitoring.alarm_of_jobs"
TICK_SECONDS = 60
WATCHDOG = "watchdog_down"
CODES = {"late": "job_late", "failing": "job_failing", "never_ran": "job_never_ran"}
WATCHDOG_PATIENCE = timedelta(seconds=90)
_SEEN_LATE, _SEEN_WATCHDOG = "levqor:jobs:late", "levqor:watchdog:beats"

ALARMS = (
    AlertType(
        "job_late", _("Scheduled job late"), "warning", _("Job “{{ label }}” is late"),
        _("{{ why }}\nSchedule: {{ schedule }}"),
    ),
    AlertType(
        "job_failing", _("Scheduled job fails"), "warning", _("Job “{{ label }}” fails"),
        _("{{ why }}\nSchedule: {{ schedule }}"),
    ),
    AlertType(
        "job_never_ran", _("Scheduled job never ran"), "warning", _("Job “{{ label }}” has never run"),
        _("{{ why }}\nSchedule: {{ schedule }}"),
    ),
    AlertType(
        WATCHDOG, _("Watchdog dead"), "warning", _("The watchdog gives no sign of life"),
        _("Nobody would be told of a dead worker, scheduler or database. Its last sign of life: {{ seen }}."),
    ),
)  # fmt: skip


def alarm_of_jobs() -> int:
    """Raise what is wrong and end what is well again: four queries when all is well. Returns how many jobs are ill."""
    ill = {(CODES[one.state], one.job.name): one for one in _standing(look())}
    open_now = set(open_alerts().filter(code__in=[*CODES.values(), WATCHDOG]).values_list("code", "subject"))
    for (code, name), one in ill.items():
        fire(
            code,
            name,
            {
                "label": str(one.job.label),
                "why": one.why,
                "schedule": f"{one.schedule.expression} ({one.schedule.tz})",
            },
        )
    for code, name in open_now - ill.keys():
        if code != WATCHDOG:
            resolve(code, name)
    _watch_the_watchdog(is_open=(WATCHDOG, "") in open_now)
    return len(ill)


def _standing(found: list[JobHealth]) -> list[JobHealth]:
    """Who is ill. Late is only who was so at the last look too: after a downtime the sweeper has its turn first."""
    late = {one.job.name for one in found if one.state in ("late", "never_ran")}
    before = set(cache.get(_SEEN_LATE) or ()) if late else set()
    cache.set(_SEEN_LATE, sorted(late), timeout=3 * TICK_SECONDS)
    return [one for one in found if one.state == "failing" or one.job.name in late & before]


def _watch_the_watchdog(*, is_open: bool) -> None:
    """Its beats must rise. Where none was ever seen, none is expected: the doctor says so."""
    row = Heartbeat.objects.filter(process="watchdog").first()
    if row is None:
        return
    patience = max(WATCHDOG_PATIENCE, timedelta(seconds=4 * settings.WATCHDOG_SECONDS))
    beats, since = cache.get(_SEEN_WATCHDOG) or (None, None)
    if beats != row.beats or since is None:
        cache.set(_SEEN_WATCHDOG, (row.beats, now().isoformat()), timeout=None)
        if is_open and beats is not None:
            resolve(WATCHDOG)
    elif now() - datetime.fromisoformat(since) >= patience:
        fire(WATCHDOG, data={"seen": f"{row.seen_at:%Y-%m-%d %H:%M} UTC"})


def watchdog_alive() -> Checked:
    """For the doctor."""
    seen = heartbeat.last("watchdog")
    if seen is None:
        return "warning", "was never seen: is the Procfile's watchdog running?"
    patience = max(WATCHDOG_PATIENCE, timedelta(seconds=4 * settings.WATCHDOG_SECONDS))
    if now() - seen >= patience:
        return "failed", f"looked last at {seen:%Y-%m-%d %H:%M} UTC: nobody would be told of a dead worker or database"
    if outages.too_many_channels():
        return "failed", gettext(
            "There are more alarm channels, or longer addresses, than it can be told of: it alarms those that it knew "
            "before."
        )
    return "ok", f"looks every {settings.WATCHDOG_SECONDS:g} s"
