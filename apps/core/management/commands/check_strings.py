"""Finds text that people read and that nobody can translate."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.core.strings import Finding, unmarked_in_python, unmarked_in_template

NOT_READ_BY_CUSTOMERS = {"migrations", "management"}


class Command(BaseCommand):
    """Exit code 1 when something is unmarked. Operators' commands speak English and are left out."""

    help = "Check that every text in templates, forms, models, errors and contributions is marked for translation."

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for path, finding in sorted(unmarked(settings.BASE_DIR)):
            self.stdout.write(f"{path}:{finding.line}: {finding.text}")
            count += 1
        if count:
            raise CommandError(
                f"{count} texts are not marked; use {{% translate %}}, {{% blocktranslate %}} or gettext"
            )
        self.stdout.write("Every text is marked.")


def unmarked(root: Path) -> Iterator[tuple[str, Finding]]:
    """(path, finding) of everything unmarked under the project's root."""
    for path in [*(root / "templates").rglob("*.html"), *(root / "templates" / "emails").rglob("*.txt")]:
        for finding in unmarked_in_template(path.read_text(), html=path.suffix == ".html"):
            yield str(path.relative_to(root)), finding
    for path in (root / "apps").rglob("*.py"):
        relative = path.relative_to(root)
        if NOT_READ_BY_CUSTOMERS & set(relative.parts):
            continue
        module = importlib.import_module(".".join(relative.with_suffix("").parts).removesuffix(".__init__"))
        for finding in unmarked_in_python(path.read_text(), module):
            yield str(relative), finding
