"""What a report says: sections of figures, tables, charts and checklists, as plain data that is kept with it.

Every text is for people already: amounts are rounded and written, times are in words. Nothing is computed when it is
shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from apps.core.scrubbing import scrub_data

Tone = Literal["", "ok", "bad", "wait"]


@dataclass(frozen=True)
class Cell:
    """One cell of a table, with a meaning where it has one."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Number:
    """One figure on its own."""

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Figures:
    """Some figures side by side."""

    items: Sequence[Number]
    kind: str = "figures"


@dataclass(frozen=True)
class Table:
    """Rows under columns; all but the first `texts` columns are numbers. `empty` is said where there is no row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    empty: str = ""
    texts: int = 1
    kind: str = "table"


@dataclass(frozen=True)
class Bars:
    """A chart: by place on the axis (short label, whole title) the value of each series, as (code, label, tone).

    None is what was not counted.
    """

    title: str
    series: Sequence[tuple[str, str, str]]
    points: Sequence[tuple[str, str, Mapping[str, float | None]]]
    first_column: str = ""
    kind: str = "bars"


@dataclass(frozen=True)
class Check:
    """One line of a checklist: `done` where there is nothing to look at. Said as "none": nobody did anything."""

    label: str
    note: str
    done: bool
    url: str = ""


@dataclass(frozen=True)
class Checks:
    """A checklist."""

    items: Sequence[Check]
    kind: str = "checks"


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str
    tone: str = ""
    kind: str = "words"


Block = Figures | Table | Bars | Checks | Words


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Document:
    """A whole report. `period` says what time it is about."""

    title: str
    period: str
    summary: str
    sections: Sequence[Section] = field(default_factory=tuple)

    def stored(self) -> dict[str, Any]:
        """As it is kept: JSON in which no text holds what looks like a secret."""
        found: dict[str, Any] = scrub_data(asdict(self))
        return found


def row(*texts: str | Cell) -> list[Cell]:
    """A row of cells."""
    return [text if isinstance(text, Cell) else Cell(text) for text in texts]
