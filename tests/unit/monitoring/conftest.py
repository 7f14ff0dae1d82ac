"""What tests of monitoring share."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def reports_folder(tmp_path: Path, settings: Any) -> Path:
    """Where this test's reports are."""
    folder = tmp_path / "reports"
    reports = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "reports": reports}
    return folder
