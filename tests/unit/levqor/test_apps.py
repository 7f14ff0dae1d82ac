"""What a process does once everything is loaded."""

import subprocess
import sys
from pathlib import Path

from levqor.env import ROOT
from tests.common.surroundings import bare_environment

LOOK = """
import gc
import django
django.setup()
print(gc.isenabled(), gc.get_freeze_count() > 100_000, len(gc.get_objects()) < 10_000)
"""


def test_what_is_loaded_is_never_looked_through_for_garbage(tmp_path: Path) -> None:
    settings = {"LEVQOR_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "levqor.settings.local"}
    found = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=ROOT,
        env=bare_environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.stdout == "True True True\n", found.stderr
