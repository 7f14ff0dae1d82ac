"""Lists on a terminal: ids stay whole, and what is spare leaves first."""

import io

import pytest
from levqor_cli.output import Column, Output
from rich.console import Console

RUN = "run_01m7w6dk6se2ebst8evzdm4jet"
COLUMNS = [
    Column("Run", whole=True),
    Column("Workflow"),
    Column("State", whole=True),
    Column("Trigger", spare=2),
    Column("Created", spare=1),
    Column("Duration", right=True, spare=3),
]
ROW = [RUN, "notify-customers", "✓ succeeded", "webhook", "10 min ago", "3 min 05 s"]


def listed(width: int) -> list[str]:
    output = Output()
    output.out = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    output.table(COLUMNS, [ROW], [ROW])
    assert isinstance(output.out.file, io.StringIO)
    return [line.rstrip() for line in output.out.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (120, ["Run", "Workflow", "State", "Trigger", "Created", "Duration"]),
        (90, ["Run", "Workflow", "State", "Trigger", "Created"]),
        (80, ["Run", "Workflow", "State", "Created"]),
        (60, ["Run", "Workflow", "State"]),
    ],
)
def test_spare_columns_leave_and_ids_stay(width: int, headings: list[str]) -> None:
    lines = listed(width)
    assert lines[0].split() == headings
    assert RUN in lines[2]
    assert "✓ succeeded" in lines[2]
    assert max(map(len, lines)) <= width
