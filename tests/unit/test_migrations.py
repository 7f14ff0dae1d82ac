"""Migrations say what the models say. That they apply, on both databases, is tried by `core/test_moving.py`, which
migrates two databases from nothing and reads every column of every table."""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

from levqor.settings import base


@pytest.fixture
def real_migrations(settings: Any) -> None:
    settings.MIGRATION_MODULES = base.MIGRATION_MODULES  # the suite makes its tables without them


@pytest.mark.migrations
def test_no_migration_is_missing(real_migrations: None, db: None) -> None:
    out = io.StringIO()
    call_command("makemigrations", check_changes=True, dry_run=True, stdout=out)
    assert "No changes detected" in out.getvalue()


@pytest.mark.migrations
def test_each_app_has_one_newest_migration(real_migrations: None) -> None:
    assert not MigrationLoader(None).detect_conflicts()
