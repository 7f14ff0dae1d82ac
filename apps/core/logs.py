"""One form of log for Django, Celery and granian: readable lines, or one JSON object a line (`LOG_FORMAT=json`).

Every entry carries the context in which it was written: request, organization, scheduled job, workflow run and step.
What looks like a secret, by its name or its shape, never reaches the output.
"""

import logging
import logging.config
import os
import sys
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from apps.core.context import current
from apps.core.scrubbing import REMOVED, is_secret_pair, scrub, secret_members
from apps.core.secret_names import SECRET_NAME

LONGEST = 8_000  # characters of one value: what strangers send ends up in lines, and each is looked through
LONGEST_LINE, LONGEST_END = 2_000, 2_500  # of a value of many lines, such as a traceback
MOST_MEMBERS = 200
REFUSALS = "django.security."
HARMLESS = (bool, int, float, Decimal, UUID, date, time, timedelta, type(None))

# Told only when something is wrong: these write a line for every tick, task or missing page.
QUIET = (
    "celery.app.trace",
    "celery.worker.request",
    "celery.worker.strategy",
    "celery.beat",
    "django_celery_beat",
    "httpx",
    "fontTools",
)


def add_context(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add who is served, where that is known. Django's own entries bring a whole request along: it is left out, and its
    path, which may be somebody's way in, is told by its route."""
    request = event.pop("request", None)
    if match := getattr(request, "resolver_match", None):
        event["event"] = str(event["event"]).replace(request.path, f"/{match.route}")
    context = current()
    if context.request_id:
        event.setdefault("request_id", context.request_id)
    if context.organization_id:
        event.setdefault("organization_id", str(context.organization_id))
    if context.job:
        event.setdefault("job", context.job)
    if context.run:
        event.setdefault("run", context.run)
        if context.step:
            event.setdefault("step", context.step)
    return event


def tell_refusals_shortly(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A request that Django refuses (`django.security.*`) is one warning: anybody can send such, so it is no error of
    ours and has no traceback. Of one that came from elsewhere only the kind is told, not the header that said so."""
    name = event.get("logger") or ""
    if not name.startswith(REFUSALS):
        return event
    event["level"] = "warning"
    for member in ("exc_info", "stack_info"):
        event.pop(member, None)
    words = str(event["event"])
    if name == f"{REFUSALS}csrf" and " - " in words:
        words = f"{words.partition(' - ')[0]}): {getattr(event.get('request'), 'path', '')}"
    event["event"] = " ".join(words[:LONGEST_LINE].split())
    return event


def remove_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the values of members that are named like secrets."""
    for name in event:
        if name not in ("event", "exception") and SECRET_NAME.search(name):
            event[name] = REMOVED
    return event


def scrub_texts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take out of the words, the error and its traceback what looks like a secret: the last before the output."""
    for name, value in event.items():
        if name not in ("timestamp", "level", "logger", "_record"):
            event[name] = told(value)
    return event


def told(value: Any) -> Any:
    """A value as it may be shown. What is no plain value is shown as text, whatever its `repr` would say."""
    if isinstance(value, str):
        return scrub(cut(value))
    if isinstance(value, HARMLESS):
        return value
    if isinstance(value, Mapping):
        first = dict(islice(value.items(), MOST_MEMBERS))
        hidden = secret_members(first)
        shown = {told(str(name)): REMOVED if name in hidden else told(member) for name, member in first.items()}
        return shown | ({"…": _more(len(value) - MOST_MEMBERS)} if len(value) > MOST_MEMBERS else {})
    if isinstance(value, list | tuple | set | frozenset):
        if isinstance(value, list | tuple) and is_secret_pair(value):
            return [value[0], REMOVED]
        members = [told(member) for member in islice(value, MOST_MEMBERS)]
        return members + ([_more(len(value) - MOST_MEMBERS)] if len(value) > MOST_MEMBERS else [])
    return scrub(cut(str(value)))


def cut(text: str) -> str:
    """A text as long as a line of log bears. One of many lines keeps its beginning and its end, in whole lines: a
    traceback's say most, and half a line may be a secret that has lost its name."""
    if len(text) <= LONGEST:
        return text
    lines = text.splitlines()
    if len(lines) == 1:
        return f"{text[:LONGEST]}… ({_more(len(text) - LONGEST)})"
    lines = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in lines]
    first, last = _fitting(lines, LONGEST - LONGEST_END), _fitting(lines[::-1], LONGEST_END)
    if first + last >= len(lines):
        return "\n".join(lines)
    kept = [*lines[:first], "", *lines[len(lines) - last :]]
    kept[first] = f"… ({_more(len(text) - sum(map(len, kept)))})"
    return "\n".join(kept)


def _fitting(lines: list[str], room: int) -> int:
    """How many of the first lines there is room for."""
    for number, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            return number
    return len(lines)


def _more(count: int) -> str:
    return f"{count} more"


def _processors() -> list[Processor]:
    """What happens to every entry, ours and other libraries'."""
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        tell_refusals_shortly,
        add_context,
        remove_secrets,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def shorten(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """For reading as it happens: the time of day; who is served and which part of us wrote only where it went wrong."""
    event["timestamp"] = f"{event['timestamp'][11:19]}Z"
    name = event.pop("logger", "")
    if event.get("level") in ("debug", "info"):
        event.pop("request_id", None)
        event.pop("organization_id", None)
    else:
        event["source"] = name
    return event


def _wants_colour() -> bool:
    if "NO_COLOR" in os.environ:
        return False
    return "FORCE_COLOR" in os.environ or sys.stderr.isatty()


def formatter(style: str | None = None, *, colours: bool | None = None) -> structlog.stdlib.ProcessorFormatter:
    """The formatter of the handlers: "console", "json", or what the environment's LOG_FORMAT says."""
    chosen = style or os.environ.get("LOG_FORMAT") or "console"
    render: list[Processor]
    if chosen == "json":
        render = [structlog.processors.JSONRenderer(default=str)]
    else:
        plain = structlog.dev.plain_traceback
        console = structlog.dev.ConsoleRenderer(
            colors=_wants_colour() if colours is None else colours,
            exception_formatter=plain,
            pad_event_to=28,
            sort_keys=False,
        )
        render = [shorten, console]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_processors(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            scrub_texts,
            *render,
        ],
    )


class ChosenThreads(logging.Filter):
    """Leaves out granian's advice about threads and cores: ours mostly wait, and WEB_THREADS says how many."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "Python threads" not in record.getMessage()


def configure(options: Mapping[str, Any]) -> None:
    """Set up logging (`LOGGING_CONFIG`). `options`: `level` such as "INFO", `format` "console" or "json"."""
    level = options["level"]
    quiet = level if level == "DEBUG" else "WARNING"
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "levqor": {"()": formatter, "style": options["format"]},
                "plain": {"()": formatter, "style": "console", "colours": False},
            },
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "levqor"},
                "jobs": {"class": "apps.core.job_logs.JobLogHandler", "formatter": "plain"},  # kept with a job's run
            },
            "root": {"handlers": ["stderr", "jobs"], "level": level},
            "loggers": {
                "django": {"handlers": [], "level": level, "propagate": True},
                "django.server": {"handlers": [], "level": level, "propagate": True},
                "django.request": {"level": "ERROR"},
                "django.db.backends": {"level": "INFO"},
                "urllib3.connectionpool": {"level": "ERROR"},  # who calls tells it better, once and without the address
                "stripe": {"level": "WARNING"},  # below that it tells whole answers, customers and all
                **{name: {"level": quiet} for name in QUIET},
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
