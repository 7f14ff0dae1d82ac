"""Where tests keep the files of reports. `tests/conftest.py` loads this module as a plugin."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def reports_folder(tmp_path: Path, settings: Any) -> Path:
    """This test's own folder."""
    folder = tmp_path / "reports"
    reports = settings.STORAGES["reports"]
    there = {**reports, "OPTIONS": {**reports["OPTIONS"], "location": folder}}
    settings.STORAGES = {**settings.STORAGES, "reports": there}
    return folder
