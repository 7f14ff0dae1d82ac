"""What a process does once everything is loaded."""

from pathlib import Path

from tests.common.surroundings import bare_python

LOOK = """
import gc
import django
django.setup()
print(gc.isenabled(), gc.get_freeze_count() > 100_000, len(gc.get_objects()) < 10_000)
"""


def test_what_is_loaded_is_never_looked_through_for_garbage(tmp_path: Path) -> None:
    found = bare_python(tmp_path, "-c", LOOK, DJANGO_SETTINGS_MODULE="levqor.settings.local")
    assert found.stdout == "True True True\n", found.stderr
