"""What the watchdog alarms of. Its words are plain: it tells them where no template of staff's can be read."""

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import AlertType

DATABASE, REDIS, WEB = "database_down", "redis_down", "web_down"
BEAT, WORKER, WORKER_LOST, TASKS = "beat_down", "worker_down", "worker_lost", "tasks_stuck"

ALARMS = (
    AlertType(
        DATABASE, _("Database away"), "critical", _("The database does not answer"),
        _("{{ seen }}\nNobody can log in, and no run goes on, until it is back."),
    ),
    AlertType(
        REDIS, _("Redis away"), "critical", _("Redis does not answer"),
        _("{{ seen }}\nThe database stands in for it: everything is slower, and work begins late."),
    ),
    AlertType(
        WEB, _("Web process away"), "critical", _("The web process does not answer"),
        _("{{ seen }}\nPages and API are away."),
    ),
    AlertType(
        BEAT, _("Scheduler dead"), "critical", _("The scheduler (beat) gives no sign of life"),
        _("{{ seen }}\nNo scheduled job begins, and what was left behind is not picked up."),
    ),
    AlertType(
        WORKER, _("Worker dead"), "critical", _("No worker gives a sign of life"),
        _("{{ seen }}\nNo run goes on, no mail leaves, no job is done."),
    ),
    AlertType(
        WORKER_LOST, _("Worker lost"), "warning", _("One of several workers gives no sign of life"),
        _("{{ seen }}\nThe others do its work, and go on with its runs. This ends when it is back or replaced."),
    ),
    AlertType(
        TASKS, _("Tasks stand still"), "warning", _("Workers live, but take no tasks"),
        _("{{ seen }}\nThey are all busy, or do not reach their queue."),
    ),
)  # fmt: skip
BY_CODE = {alarm.code: alarm for alarm in ALARMS}


def title(code: str) -> str:
    """What an alarm is called."""
    return str(BY_CODE[code].title)


def body(code: str, seen: str) -> str:
    """What an alarm says."""
    return str(BY_CODE[code].body).replace("{{ seen }}", seen)
