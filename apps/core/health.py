"""What core looks at when `manage.py doctor` asks how things are. Each check returns (state, what was seen)."""

import shutil
from zoneinfo import available_timezones

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.timesince import timesince
from kombu.exceptions import OperationalError as BrokerError

from apps.core import heartbeat
from apps.core.clock import now
from apps.core.crypto import DecryptionError, decrypt, encrypt
from apps.core.encrypted import encrypted_columns, stored_tokens
from apps.core.ids import new_id
from apps.core.job_health import look
from apps.core.kinds import Checked, CheckState, HealthCheck
from apps.core.models import EventDelivery
from apps.core.preparation import foreign_migrations

LOW_DISK_BYTES, NO_DISK_BYTES = 2_000_000_000, 200_000_000
OPTIONAL_PROGRAMS = {"chromium": "browser tests", "xmlsec1": "SAML single sign-on"}


def examine(check: HealthCheck) -> Checked:
    """Run one check; one that breaks has failed, with its error as what was seen."""
    try:
        return check.run()
    except Exception as error:  # noqa: BLE001 - the doctor reports whatever is wrong
        return "failed", f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"


def settings_are_safe() -> Checked:
    """Nothing that helps a developer is open to the world. A demo and plain http do not even start in production."""
    environment = settings.ENV.LEVQOR_ENV
    wrong = []
    if settings.DEBUG:
        wrong.append("DEBUG is on")
    if environment == "production":
        if "*" in settings.ALLOWED_HOSTS:
            wrong.append("ALLOWED_HOSTS answers any host")
        if len(settings.SECRET_KEY) < 50:
            wrong.append("SECRET_KEY is shorter than 50 characters")
    elif settings.ENV.HOST not in ("127.0.0.1", "localhost", "::1"):
        return "warning", f"a local demo listens on {settings.ENV.HOST}: others can reach it"
    return ("failed", "; ".join(wrong)) if wrong else ("ok", f"{environment}, {settings.SITE_URL}")


def database() -> Checked:
    """The database answers, its tables are up to date, SQLite writes ahead."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA journal_mode")
            mode = cursor.fetchone()[0]
            if mode not in ("wal", "memory"):
                return "failed", f"SQLite's journal mode is {mode}, not WAL: readers and writers block each other"
        cursor.execute("SELECT 1")
    executor = MigrationExecutor(connection)
    if foreign := foreign_migrations(executor.loader):
        return "failed", f"another version of Levqor made it: {foreign[-1]} was applied, and is not here"
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return "failed", f"{len(missing)} migrations are not applied: run manage.py migrate"
    if connection.vendor == "sqlite":
        return "ok", "SQLite, write-ahead log; fine for one machine"
    version = str(connection.cursor().connection.info.server_version)
    return "ok", f"PostgreSQL {version[:-4]}"


def broker() -> Checked:
    """The queue accepts a connection."""
    if settings.CELERY_BROKER_URL.startswith("files:"):
        folder = settings.BROKER_DIR / "queue"
        waiting = sum(1 for _entry in folder.iterdir())
        return ("warning" if waiting > 5000 else "ok"), f"files in {folder}, {waiting} waiting"
    try:
        with current_app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, timeout=3)
            return "ok", f"{link.transport_cls} answers"
    except (BrokerError, OSError) as error:
        return "failed", f"no connection: {error}; runs wait until it is back"


def cache_works() -> Checked:
    """What is written to the cache can be read."""
    key, value = "levqor:doctor", new_id().hex
    cache.set(key, value, 10)
    if cache.get(key) != value:
        return "failed", "a value that was just written is not there"
    return "ok", "Redis" if settings.ENV.REDIS_URL else "database table"


def _is_it_started(process: str) -> str:
    """What to look at first: `make run` is for development."""
    local = settings.ENV.LEVQOR_ENV != "production"
    return "is `make run` running?" if local else f"is the Procfile's {process} running?"


def worker_alive() -> Checked:
    """A worker lives, and took a tick lately."""
    names, seen, task = heartbeat.alive("worker"), heartbeat.last("worker"), heartbeat.last("task")
    if seen is None and task is None:
        return "warning", f"no worker was ever seen: {_is_it_started('worker')}"
    if heartbeat.is_fresh("task"):
        return "ok", f"took a tick {max(0, (now() - (task or now())).seconds)} s ago{_of_many(names)}"
    if not names:
        return "failed", f"none lives since {timesince(max(filter(None, (seen, task))))}: see the worker's output"
    if not heartbeat.is_fresh("beat"):
        return "ok", f"lives, and hears no ticks while the scheduler is away{_of_many(names)}"
    told = f"took no tick for {timesince(task)}" if task else "has taken no tick yet"
    return "failed", f"lives, but {told}: is it busy, or does it not reach its queue?"


def _of_many(names: list[str]) -> str:
    return f" ({len(names)} processes)" if len(names) > 1 else ""


def beat_alive() -> Checked:
    """Beat lives. It says so itself, whether or not a worker hears its ticks."""
    seen = heartbeat.last("beat")
    if seen is None:
        return "warning", f"was never seen: {_is_it_started('beat')}"
    if heartbeat.is_fresh("beat"):
        return "ok", "lives" if heartbeat.is_fresh("task") else "lives; no worker takes its ticks"
    return "failed", f"does not live since {timesince(seen)}: see beat's output"


def jobs_on_time() -> Checked:
    """No scheduled job is late, fails or never ran."""
    found = look()
    if ill := [job for job in found if not job.well]:
        words = {"late": "late", "failing": "fails", "never_ran": "never ran"}
        return "failed", "; ".join(f"{one.job.name} {words[one.state]}: {one.why}" for one in ill)
    return "ok", f"{len(found)} jobs"


def deliveries() -> Checked:
    """No event handler has given up, none is far behind."""
    dead = EventDelivery.objects.filter(state=EventDelivery.State.DEAD).count()
    if dead:
        return "failed", f"{dead} deliveries were given up: look at them in the admin and replay them"
    oldest = EventDelivery.objects.filter(state=EventDelivery.State.PENDING).order_by("due_at").first()
    if oldest is not None and (now() - oldest.due_at).total_seconds() > 300:
        return "warning", f"the oldest waits for {timesince(oldest.due_at)}"
    return "ok", "none given up"


def encryption() -> Checked:
    """Every stored secret can be opened: one that is encrypted now, and the oldest and newest of each column."""
    if decrypt(encrypt("levqor")) != "levqor":
        return "failed", "what was encrypted does not come back"
    columns = encrypted_columns()
    for model, field in columns:
        for order in ("pk", "-pk"):
            for _key, token in stored_tokens(model, field, order=order, most=1):
                try:
                    decrypt(token)
                except DecryptionError:
                    return (
                        "failed",
                        f"no key in ENCRYPTION_KEYS opens the values of {model._meta.label}.{field.name}",
                    )
    return "ok", f"keys: {len(settings.ENCRYPTION_KEYS)}, encrypted columns: {len(columns)}"


def disk() -> Checked:
    """There is room to write."""
    free = shutil.disk_usage(settings.VAR_DIR).free
    state: CheckState = "ok"
    if free < LOW_DISK_BYTES:
        state = "failed" if free < NO_DISK_BYTES else "warning"
    return state, f"{free / 1e9:.1f} GB free in {settings.VAR_DIR}"


def time_zones() -> Checked:
    """The zones that schedules name are known."""
    known = available_timezones()
    missing = {"Europe/London", "America/New_York", "Asia/Tokyo"} - known
    if missing:
        return "failed", f"no time zone data ({', '.join(sorted(missing))}): install the package tzdata"
    return "ok", f"{len(known)} zones"


def programs() -> Checked:
    """Programs that only some things need."""
    missing = [f"{name} ({use})" for name, use in OPTIONAL_PROGRAMS.items() if shutil.which(name) is None]
    if missing:
        return "warning", f"not installed: {', '.join(missing)}"
    return "ok", ", ".join(sorted(OPTIONAL_PROGRAMS))
