"""The real migration installs the triggers and takes them back."""

import importlib
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from apps.audit import triggers

migration = importlib.import_module("apps.audit.migrations.0002_append_only")


@pytest.mark.django_db
def test_the_migration_protects_the_table_and_can_be_undone() -> None:
    editor = SimpleNamespace(connection=connection)
    (operation,) = migration.Migration.operations
    operation.code(apps, editor)
    assert triggers.entries.installed(connection)
    operation.reverse_code(apps, editor)
    assert not triggers.entries.installed(connection)
