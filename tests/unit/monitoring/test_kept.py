"""What is kept for when nothing else answers is this installation's alone."""

from typing import Any

from apps.monitoring.kept import Kept


def test_nobody_else_reads_it(tmp_path: Any, settings: Any) -> None:
    settings.KEPT_DIR = tmp_path / "kept"
    kept = Kept("tried")
    for number in (1, 2):
        kept.put(number)
        assert kept.file.stat().st_mode & 0o777 == 0o600
    assert kept.file.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in kept.file.parent.iterdir()] == ["tried.json"]
