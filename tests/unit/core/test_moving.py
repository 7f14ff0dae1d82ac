"""Carrying an installation to another database: once from the outside, with real files (and PostgreSQL, where the suite
runs on it), and each refusal from within."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from apps.core import heartbeat
from apps.core.errors import ConflictError
from apps.core.moving import MoveRefusedError, _canonical, _check, _Checksum
from apps.core.running import RunningLock
from levqor.env import ROOT
from tests.common.surroundings import bare_environment

MAKE = """
from django.core.management import call_command
for words in (["migrate"], ["createcachetable"], ["sync_schedules"], ["seed"]):
    call_command(*words, verbosity=0, stdout=open("/dev/null", "w"))
from apps.integrations.stripe.mirror import mirror
mirror("charge", {"id": "ch_1", "object": "charge", "amount": 14700, "currency": "usd", "customer": "cus_1"})
"""

LOOK = """
import json
import uuid
from django.contrib.auth.models import Group
from apps.core.encrypted import encrypted_columns, stored_tokens
from apps.core.crypto import decrypt
from apps.core.moving import _Checksum, _columns, _models, _rows
found = {}
for model in _models():
    sums = _Checksum(_columns(model))
    for row in _rows(model, _columns(model), "default"):
        sums.add(row)
    found[model._meta.db_table] = [sums.rows, sums.hex]
opened = [decrypt(token) for model, field in encrypted_columns() for _pk, token in stored_tokens(model, field)]
print(json.dumps({"tables": found, "opened": len(opened), "next_id": Group.objects.create(name=str(uuid.uuid4())).pk}))
"""


class Installation:
    """A folder with a database, and commands that run on it as an operator would."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder, self.url = folder, url

    def run(self, *words: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=bare_environment(LEVQOR_VAR=str(self.folder), DATABASE_URL=self.url),
            input=text,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def must(self, *words: str, text: str = "") -> str:
        ended = self.run(*words, text=text)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def look(self, before: str = "") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.must("shell", "--verbosity", "0", text=before + LOOK))
        return found

    def members(self) -> int:
        """Rows of a table, without starting Django."""
        if self.url.startswith("postgresql"):
            with psycopg.connect(self.url) as link:
                return int(link.execute("SELECT count(*) FROM accounts_membership").fetchone()[0])  # type: ignore[index] # a count has a row
        raw = sqlite3.connect(self.url.removeprefix("sqlite:///"))
        count = raw.execute("SELECT count(*) FROM accounts_membership").fetchone()[0]
        raw.close()
        return int(count)

    def sql(self, statement: str, *values: object) -> None:
        raw = sqlite3.connect(self.folder / "levqor.sqlite3")
        raw.execute("PRAGMA foreign_keys = off")
        with raw:
            raw.execute(statement, values)
        raw.close()


@pytest.fixture
def target_url(tmp_path: Path, worker_id: str) -> Iterator[str]:
    """An empty database of the kind that the suite runs on."""
    if connection.vendor != "postgresql":
        yield f"sqlite:///{tmp_path / 'target.sqlite3'}"
        return
    name, server = f"levqor_move_{worker_id}", connection.settings_dict
    login = f"{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT'] or 5432}"
    with psycopg.connect(f"postgresql://{login}/postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name}")
        yield f"postgresql://{login}/{name}"
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.mark.migrations
def test_everything_arrives_or_nothing(tmp_path: Path, target_url: str) -> None:
    source = Installation(tmp_path)
    before = source.look(MAKE)
    assert before["opened"]
    assert before["tables"]["accounts_membership"][0] == 4
    assert before["tables"]["djstripe_charge"][0] == before["tables"]["djstripe_customer"][0] == 1

    # A row that points nowhere: PostgreSQL and SQLite both refuse it at the commit, so nothing is kept.
    source.sql("UPDATE accounts_membership SET user_id = ? WHERE role = 'viewer'", "0" * 32)
    failed = source.run("move_database", "--to", target_url)
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1), failed.stderr
    assert "accounts_membership: 4 rows" in failed.stdout
    moved = Installation(tmp_path, target_url)
    assert moved.members() == 0

    # Put right, the same command succeeds; sequences go on behind the copied rows; stored secrets can be opened.
    source.sql("DELETE FROM accounts_membership WHERE user_id = ?", "0" * 32)
    told = source.must("move_database", "--to", target_url)
    assert "every row was read back and compared" in told
    assert "left behind" not in told
    after = moved.look()
    differing = {name for name, sums in after["tables"].items() if sums != before["tables"][name]}
    assert differing == {"accounts_membership", "auth_group"}  # one row less, and the group that `look` adds
    assert after["tables"]["accounts_membership"][0] == 3
    assert after["opened"] == before["opened"]
    assert after["next_id"] == before["next_id"] + 1

    again = source.run("move_database", "--to", target_url)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert "The target is not empty" in again.stderr


@pytest.fixture
def stopped(settings: Any, tmp_path: Path, db: None) -> Path:
    """An installation in which nothing runs."""
    settings.VAR_DIR = tmp_path
    return tmp_path


def test_nonsense_is_no_target(stopped: Path) -> None:
    with pytest.raises(MoveRefusedError, match="is no database URL"):
        call_command("move_database", "--to", "nonsense")


def test_a_running_platform_is_not_moved(stopped: Path) -> None:
    with RunningLock(stopped), pytest.raises(ConflictError, match="already running"):
        call_command("move_database", "--to", "sqlite:///:memory:")
    heartbeat.record()
    with pytest.raises(MoveRefusedError, match="A worker was alive within the last minute"):
        call_command("move_database", "--to", "sqlite:///:memory:")


def test_a_source_that_is_not_up_to_date_is_not_moved(stopped: Path, settings: Any) -> None:
    settings.MIGRATION_MODULES = {}  # the suite's own tables were made without migrations
    elsewhere: Any = SimpleNamespace(settings_dict={**connection.settings_dict, "NAME": "elsewhere"})
    with pytest.raises(MoveRefusedError, match="not up to date"):
        _check(connection, elsewhere)


def test_a_database_is_not_moved_to_itself(stopped: Path) -> None:
    with pytest.raises(MoveRefusedError, match="the same database"):
        _check(connection, connection)


def test_checksums_see_every_difference_but_order() -> None:
    def total(*rows: tuple[object, ...]) -> tuple[int, int]:
        sums = _Checksum([])
        sums._is_json = [False, False]
        for row in rows:
            sums.add(row)
        return sums.rows, sums.total

    assert total((1, "a"), (2, "b")) == total((2, "b"), (1, "a"))
    assert total((1, "a"), (2, "b")) != total((1, "b"), (2, "a"))
    assert total((1, None)) != total((1, ""))
    assert total((1, "a"), (1, "a")) != total((1, "a"))


def test_json_is_compared_by_what_it_says() -> None:
    assert _canonical('{"b": 1.50, "a": [1e2]}', True) == _canonical('{"a":[100],"b":1.5}', True)
    assert _canonical('{"a": 1}', True) != _canonical('{"a": "1"}', True)
    assert _canonical(None, True) != _canonical("null", True)
    assert _canonical(Decimal("1.5"), False) != _canonical(Decimal("1.6"), False)
