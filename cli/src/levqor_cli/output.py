"""Where words go: results to standard output, everything about them to standard error."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.highlighter import JSONHighlighter
from rich.table import Table
from rich.text import Text

from levqor_cli.errors import CliError
from levqor_cli.text import printable

COLUMN_GAP = 3  # what rich puts between two columns of a list
LEAST_WIDTH = 8  # of a column that gets narrower


@dataclass(frozen=True)
class Column:
    """A column of a list: its heading, and how it behaves when space is short.

    `whole` is never shortened (ids are there to be copied); `spare` columns leave, the highest number first.
    """

    heading: str
    right: bool = False
    wrap: bool = False
    whole: bool = False
    spare: int = 0


class Output:
    """The two streams and the ways of writing that the options ask for."""

    def __init__(self, *, json_mode: bool = False, quiet: bool = False) -> None:
        self.json_mode = json_mode
        self.quiet = quiet
        self.out = Console(highlight=False, markup=False, emoji=False)
        self.err = Console(stderr=True, highlight=False, markup=False, emoji=False)

    @property
    def interactive(self) -> bool:
        """Whether standard output is a terminal on which lines can be redrawn."""
        return sys.stdout.isatty() and not self.out.is_dumb_terminal

    @property
    def live(self) -> bool:
        """Whether somebody at a terminal sees a run move."""
        return self.interactive and not self.json_mode and not self.quiet

    @property
    def unicode(self) -> bool:
        """Whether symbols beyond ASCII reach the reader."""
        return self.out.encoding.lower().startswith("utf")

    def emit(self, data: Any) -> None:
        """Machine output: one JSON document on standard output."""
        sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=not self.unicode) + "\n")

    def show(self, *what: RenderableType) -> None:
        """A result for people."""
        self.out.print(*what)

    def raw(self, text: str) -> None:
        """A result that other programs may read: not wrapped, not coloured."""
        sys.stdout.write(text)

    def note(self, *parts: str | Text, mark: str = "", whole: bool = False) -> None:
        """A line about what was done; silent with `--quiet` and `--json`. `whole` keeps a command on one line."""
        if self.quiet or self.json_mode:
            return
        line = Text.assemble(*(part if isinstance(part, Text) else printable(part) for part in parts))
        if mark:
            symbol, style = self.mark(mark)
            line = Text.assemble((symbol + " ", style), line)
        self.err.print(line, soft_wrap=whole or not self.err.is_terminal)

    def warn(self, message: str) -> None:
        """A line the user should not miss, unless they asked for silence."""
        self.note(message, mark="warning")

    def mark(self, kind: str) -> tuple[str, str]:
        """Symbol and style for `ok`, `warning` or `error`."""
        symbols = {"ok": ("✓", "+"), "warning": ("!", "!"), "error": ("✗", "x")}
        styles = {"ok": "bold green", "warning": "bold yellow", "error": "bold red"}
        return symbols[kind][0 if self.unicode else 1], styles[kind]

    def error(self, error: CliError) -> None:
        """One clear line, with details and hint below it, and for a server's fault the request to ask about."""
        if self.json_mode:
            sys.stderr.write(json.dumps(error.as_json(), ensure_ascii=True) + "\n")
            return
        symbol, style = self.mark("error")
        lines = [Text.assemble((f"{symbol} ", style), printable(error.message))]
        lines += [Text(f"  {printable(detail)}") for detail in error.details]
        if error.hint:
            lines.append(Text(f"  {printable(error.hint)}", style="yellow"))
        if error.request_id and (error.status is None or error.status >= 500):
            lines.append(Text(f"  request {printable(error.request_id)}", style="dim"))
        for line in lines:
            self.err.print(line, soft_wrap=not self.err.is_terminal)

    def table(
        self, columns: Sequence[Column], rows: Sequence[Sequence[str | Text]], plain: Sequence[Sequence[str]]
    ) -> None:
        """A list: aligned on a terminal, tab-separated `plain` rows without heading in a pipe."""
        if not self.out.is_terminal:
            for fields in plain:
                self.raw("\t".join(" ".join(printable(field).split()) for field in fields) + "\n")
            return
        cells = [[cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row] for row in rows]
        table = Table(
            box=box.SIMPLE_HEAD, header_style="dim", border_style="dim", pad_edge=False, padding=(0, 1), show_edge=False
        )
        widths = _fitting(columns, cells, self.out.width)
        for place, width in widths.items():
            column = columns[place]
            table.add_column(
                column.heading,
                justify="right" if column.right else "left",
                no_wrap=not column.wrap,
                overflow="ellipsis",
                width=width,
            )
        for row in cells:
            table.add_row(*(row[place] for place in widths))
        self.show(table)

    def facts(self, pairs: Sequence[tuple[str, str | Text]]) -> None:
        """Names and values, aligned; empty values are left out."""
        if not self.out.is_terminal:
            width = max((len(name) for name, _value in pairs), default=0)
            self.raw("".join(f"{name:<{width}}  {printable(value)}\n" for name, value in pairs if str(value)))
            return
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in pairs:
            if str(value):
                grid.add_row(name, value if isinstance(value, Text) else Text(printable(value)))
        self.show(grid)

    def value(self, data: Any) -> None:
        """A JSON value: coloured on a terminal, plain in a pipe."""
        text = json.dumps(data, indent=2, ensure_ascii=False)
        if self.out.is_terminal:
            highlighted = Text(printable(text))
            JSONHighlighter().highlight(highlighted)
            self.out.print(highlighted, soft_wrap=True)
        else:
            self.raw(text + "\n")


def _fitting(columns: Sequence[Column], rows: Sequence[Sequence[Text]], room: int) -> dict[int, int]:
    """The columns to show, by place, and their widths: spare ones leave, then others get narrower."""
    widths = {
        place: max([cell_len(column.heading), *(row[place].cell_len for row in rows)])
        for place, column in enumerate(columns)
    }

    def missing() -> int:
        return sum(widths.values()) + COLUMN_GAP * (len(widths) - 1) - room

    for place in sorted(widths, key=lambda place: -columns[place].spare):
        if missing() > 0 and columns[place].spare:
            del widths[place]
    for place in sorted(widths, key=lambda place: -widths[place]):
        if missing() > 0 and not columns[place].whole:
            widths[place] = max(LEAST_WIDTH, widths[place] - missing())
    return widths
