"""What apps add to the administration."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from apps.core.kinds.base import Contribution, Text

StaffPage = Literal["overview", "operations"]


@dataclass(frozen=True)
class Figure:
    """One number on a staff page: what it is, its value, what to compare it with, where to look closer."""

    label: Text
    value: Text | int
    note: Text = ""
    tone: Literal["", "ok", "bad", "wait"] = ""
    url: str = ""


@dataclass(frozen=True)
class StaffFigures(Contribution):
    """Numbers on the first page of the administration, or on that of operations, for staff with the Django permission
    `permission`.

    `figures()` is asked at every view of that page: a few queries, each bounded whatever the size of the tables. `note`
    explains words of theirs that not everybody knows.
    """

    name: str
    label: Text
    figures: Callable[[], list[Figure]]
    permission: str
    order: int = 100
    page: StaffPage = "overview"
    note: Text = ""


@dataclass(frozen=True)
class StaffPanel(Contribution):
    """A chart or table on one of these pages: `context()` feeds `template`, as bounded as figures."""

    name: str
    label: Text
    template: str
    context: Callable[[], dict[str, Any]]
    permission: str
    order: int = 100
    page: StaffPage = "overview"


@dataclass(frozen=True)
class StaffFacts(Contribution):
    """Numbers above the page of one row in the administration, told by an app above the one that owns the model.

    `model` is Django's label ("accounts.organization"); `facts(row)` is bounded.
    """

    name: str
    model: str
    facts: Callable[[Any], list[Figure]]
    permission: str
    order: int = 100
