"""The first steps in three languages, as /docs/sdk shows them. The tests run each as it stands."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FOLDER = Path(settings.BASE_DIR) / "docs" / "snippets"
LANGUAGES = (("bash", "cURL", ".sh"), ("python", "Python", ".py"), ("javascript", "Node", ".mjs"))


@dataclass(frozen=True)
class Task:
    """Something that one does with the API. `path` answers it in the sandbox where it is a plain GET."""

    slug: str
    title: str | Promise
    path: str = ""

    @property
    def codes(self) -> list[tuple[str, str, str]]:
        """(language, label, code) of each language."""
        return [(lexer, label, _code(f"{self.slug}{ending}")) for lexer, label, ending in LANGUAGES]


TASKS = (
    Task("whoami", _("Ask who the key speaks for"), "/me"),
    Task("list-runs", _("Go through all runs"), "/runs"),
    Task("start-run", _("Start a run and wait for its end")),
    Task("usage", _("See how many calls are left"), "/usage"),
)


@cache
def _code(name: str) -> str:
    return (FOLDER / name).read_text().rstrip("\n")
