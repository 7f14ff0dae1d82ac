"""Each check of the doctor, well and ill."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from apps.core import health, heartbeat
from apps.core.clock import now
from apps.core.crypto import encrypt
from apps.core.kinds import Checked, HealthCheck, ScheduledJob
from apps.core.models import DomainEvent, EventDelivery, JobRun, JobState
from apps.core.registry import contributed, registry
from apps.core.tasks import record_heartbeat

pytestmark = pytest.mark.django_db


def test_a_check_that_breaks_has_failed() -> None:
    def broken() -> Checked:
        raise OSError("no such file\nand more")

    assert health.examine(HealthCheck("x", "X", broken)) == ("failed", "OSError: no such file")


# Settings -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"DEBUG": True}, "DEBUG is on"),
        ({"ALLOWED_HOSTS": ["*"]}, "any host"),
        ({"SECRET_KEY": "short"}, "shorter than 50"),
    ],
)
def test_unsafe_production_settings_fail(changes: dict[str, Any], told: str, settings: Any) -> None:
    settings.ENV = SimpleNamespace(LEVQOR_ENV="production", HOST="192.0.2.7")
    safe = {"DEBUG": False, "ALLOWED_HOSTS": ["levqor.example"], "SECRET_KEY": "x" * 60}
    for name, value in {**safe, "SITE_URL": "https://levqor.example"}.items():
        setattr(settings, name, value)
    assert health.settings_are_safe() == ("ok", "production, https://levqor.example")
    for name, value in changes.items():
        setattr(settings, name, value)
    state, seen = health.settings_are_safe()
    assert state == "failed"
    assert told in seen


def test_a_demo_that_others_can_reach_is_a_warning(settings: Any) -> None:
    settings.ENV = SimpleNamespace(LEVQOR_ENV="local", HOST="127.0.0.1")
    assert health.settings_are_safe()[0] == "ok"
    settings.ENV = SimpleNamespace(LEVQOR_ENV="local", HOST="192.0.2.7")
    assert health.settings_are_safe()[0] == "warning"


# Database, queue, cache ---------------------------------------------------------------------------------------------
def test_migrations_of_another_history_fail(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MIGRATION_MODULES = {}
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda self: {("workflows", "0009_gone"): None})
    state, seen = health.database()
    assert (state, "workflows.0009_gone was applied" in seen) == ("failed", True)


def test_missing_migrations_fail(settings: Any) -> None:
    settings.MIGRATION_MODULES = {}  # the suite's tables are made without migrations: all of them are missing
    state, seen = health.database()
    assert state == "failed"
    assert "run manage.py migrate" in seen


def test_an_up_to_date_database_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.health.MigrationExecutor.migration_plan", lambda *_: [])
    state, seen = health.database()
    assert state == "ok"
    assert seen.startswith("SQLite" if connection.vendor == "sqlite" else "PostgreSQL 1")


def test_a_broker_that_is_away_fails(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise OSError("connection refused")

    monkeypatch.setattr("apps.core.health.current_app.connection_for_write", away)
    assert health.broker() == ("failed", "no connection: connection refused; runs wait until it is back")


def test_a_queue_of_files_counts_what_waits(settings: Any, tmp_path: Any) -> None:
    settings.CELERY_BROKER_URL, settings.BROKER_DIR = "files://localhost", tmp_path
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "1.levqor.msg").touch()
    assert health.broker() == ("ok", f"files in {tmp_path}/queue, 1 waiting")


def test_a_cache_that_forgets_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert health.cache_works()[0] == "ok"
    monkeypatch.setattr("apps.core.health.cache", SimpleNamespace(set=lambda *_: None, get=lambda _key: None))
    assert health.cache_works()[0] == "failed"


# Processes ----------------------------------------------------------------------------------------------------------
def test_worker_and_beat_live_as_long_as_they_say_so() -> None:
    assert (health.worker_alive()[0], health.beat_alive()[0]) == ("warning", "warning")
    with time_machine.travel("2026-05-01T12:00Z", tick=False) as clock:
        for process in ("worker", "task", "beat"):
            heartbeat.sign(process)
        clock.shift(timedelta(seconds=20))
        assert health.worker_alive() == ("ok", "took a tick 20 s ago")
        assert health.beat_alive() == ("ok", "lives")
        clock.shift(timedelta(minutes=10))
        assert health.worker_alive()[0] == "failed"
        assert health.beat_alive()[0] == "failed"


def test_a_dead_beat_is_not_the_workers_fault_nor_the_other_way_round() -> None:
    with time_machine.travel("2026-05-01T12:00Z", tick=False) as clock:
        for process in ("worker", "task", "beat"):
            heartbeat.sign(process)
        clock.shift(timedelta(minutes=10))
        heartbeat.sign("worker")
        assert health.beat_alive()[0] == "failed"
        assert health.worker_alive() == ("ok", "lives, and hears no ticks while the scheduler is away")
        clock.shift(timedelta(minutes=10))
        heartbeat.sign("beat")
        assert health.beat_alive() == ("ok", "lives; no worker takes its ticks")
        assert "none lives since 10" in health.worker_alive()[1]
        heartbeat.sign("worker", "w1")
        assert "took no tick for 20" in health.worker_alive()[1]


def test_the_heartbeat_task_is_the_proof() -> None:

    assert not heartbeat.is_fresh()
    record_heartbeat()
    assert heartbeat.is_fresh()


# Work ---------------------------------------------------------------------------------------------------------------
def test_jobs_in_trouble_are_named() -> None:
    job = ScheduledJob("nightly", "Nightly", lambda slot: "", "0 3 * * *")
    with contributed(job), time_machine.travel("2026-05-10T12:00Z", tick=False):
        assert health.jobs_on_time()[0] == "ok"
        JobState.objects.create(job="nightly", owed_since=now() - timedelta(hours=10))
        state, seen = health.jobs_on_time()
        assert (state, "nightly never ran: It was due 9" in seen) == ("failed", True)
        run = JobRun.objects.create(job="nightly", slot=now().replace(hour=3), started_at=now(), state="succeeded")
        assert health.jobs_on_time()[0] == "ok"
        run.delete()


@pytest.fixture
def delivery() -> Callable[..., EventDelivery]:
    def make(**fields: Any) -> EventDelivery:
        event = DomainEvent.objects.create(name="x")
        return EventDelivery.objects.create(event=event, handler="x:y", **fields)

    return make


def test_deliveries_that_were_given_up_fail(delivery: Callable[..., EventDelivery]) -> None:
    assert health.deliveries() == ("ok", "none given up")
    waiting = delivery(due_at=now() - timedelta(minutes=10))
    assert health.deliveries()[0] == "warning"
    waiting.state = EventDelivery.State.DEAD
    waiting.save()
    assert health.deliveries()[0] == "failed"


def test_a_secret_that_no_key_opens_fails(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert health.encryption()[0] == "ok"
    monkeypatch.setattr("apps.core.health.stored_tokens", lambda *_, **__: [(1, encrypt("x"))])
    assert health.encryption()[0] == "ok"
    lost = encrypt("x")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    monkeypatch.setattr("apps.core.health.stored_tokens", lambda *_, **__: [(1, lost)])
    assert health.encryption()[0] == "failed"


# Machine ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("free", "state"), [(50 * 10**9, "ok"), (10**9, "warning"), (10**8, "failed")])
def test_room_to_write(free: int, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.health.shutil.disk_usage", lambda _path: SimpleNamespace(free=free))
    assert health.disk()[0] == state


def test_optional_programs_are_only_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.health.shutil.which", lambda name: None if name == "xmlsec1" else f"/usr/bin/{name}")
    assert health.programs() == ("warning", "not installed: xmlsec1 (SAML single sign-on)")


def test_time_zones() -> None:
    assert health.time_zones()[0] == "ok"


# Command ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(*states: Any) -> None:
        checks = [
            HealthCheck(f"c{n}", f"Check {n}", lambda state=state: (state, "seen")) for n, state in enumerate(states)
        ]
        real = registry(HealthCheck)
        monkeypatch.setattr(real, "_items", {check.key: check for check in checks})

    return use


def test_doctor_prints_a_table(only: Callable[..., None]) -> None:
    only("ok", "warning")
    out = io.StringIO()
    call_command("doctor", stdout=out, no_color=True)
    assert out.getvalue().splitlines() == [
        "Check 0  ok       seen",
        "Check 1  warning  seen",
        "",
        "2 checks, 1 warning, 0 failed",
    ]


def test_doctor_keeps_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    words, path = "many words " * 20, "/a" * 50
    checks = [
        HealthCheck("a", "Worker", lambda: ("ok", words)),
        HealthCheck("b", "beat", lambda: ("ok", f"in {path} now")),
    ]
    monkeypatch.setattr(registry(HealthCheck), "_items", {check.key: check for check in checks})
    out = io.StringIO()
    call_command("doctor", stdout=out, no_color=True)
    first, second, third, *rest = out.getvalue().splitlines()
    assert (first, second.strip(), third.strip()) == ("beat    ok       in", path, "now")
    assert rest[0].startswith("Worker  ok       many words")
    assert rest[1].startswith(f"{'':<17}words many")
    assert max(map(len, rest)) <= 80


@pytest.mark.parametrize(("environment", "told"), [("local", "`make run`"), ("production", "the Procfile's worker")])
def test_what_to_start_depends_on_where_it_runs(environment: str, told: str, settings: Any) -> None:
    settings.ENV = SimpleNamespace(LEVQOR_ENV=environment)
    assert health.worker_alive() == ("warning", f"no worker was ever seen: is {told} running?")


def test_doctor_fails_when_something_failed(only: Callable[..., None]) -> None:
    only("ok", "failed")
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", stdout=out)
    assert ended.value.code == 1
    told = json.loads(out.getvalue())
    assert (told["state"], told["checks"][1]) == (
        "failed",
        {"name": "c1", "label": "Check 1", "state": "failed", "seen": "seen"},
    )


def test_every_apps_checks_can_be_run() -> None:
    for check in registry(HealthCheck).all():
        state, seen = health.examine(check)
        assert state in ("ok", "warning", "failed", "off")
        assert seen, check.name
