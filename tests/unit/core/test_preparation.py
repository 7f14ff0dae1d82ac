"""What a database of another history of migrations is told."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management.base import OutputWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from apps.core.errors import ConflictError
from apps.core.preparation import Preparation, foreign_migrations


def test_a_database_of_another_history_is_refused(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MIGRATION_MODULES = {}  # the suite makes its tables without them
    applied = {("core", "0001_initial"): None, ("core", "0002_gone"): None}
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda self: applied)
    out = io.StringIO()
    with pytest.raises(ConflictError, match=r"another version of Levqor \(core\.0002_gone was applied") as refused:
        Preparation(OutputWrapper(out)).run(demo=False)
    assert "to begin anew" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_only_our_own_migrations_that_nothing_stands_for_are_foreign() -> None:
    squashed = SimpleNamespace(replaces=[("core", "0002_two"), ("core", "0003_three")])
    loader: Any = SimpleNamespace(
        disk_migrations={("core", "0001_initial"): SimpleNamespace(replaces=[]), ("core", "0002_squashed"): squashed},
        applied_migrations={
            ("core", "0001_initial"): None,
            ("core", "0003_three"): None,
            ("core", "0004_four"): None,
            ("auth", "0099_far"): None,
        },
    )
    assert foreign_migrations(loader) == ["core.0004_four"]
    assert foreign_migrations(MigrationLoader(None)) == []
