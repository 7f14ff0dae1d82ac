"""The difference between two texts, line by line, for people."""

from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

CONTEXT = 4  # unchanged lines around a change
MOST_LINES = 3_000  # of either text, and pairs of equal lines, up to which changes inside of the text are looked for:
MOST_PAIRS = 100_000  # the search takes minutes for long texts of lines that are all alike


@dataclass(frozen=True)
class DiffLine:
    """A line: `mark` is "+", "-", " " or "…" (unchanged lines left out); numbers count from 1, None where it is not."""

    mark: str
    text: str
    before: int | None = None
    after: int | None = None


def compare(old: str, new: str) -> list[DiffLine]:
    """The lines that differ with some around them; nothing when the texts are the same."""
    before, after = old.splitlines(), new.splitlines()
    lines: list[DiffLine] = []
    end = 0
    for group in _changes(before, after):
        if group[0][1] > end:
            lines.append(DiffLine("…", ""))
        for kind, start, stop, first, last in group:
            if kind == "equal":
                lines += [
                    DiffLine(" ", text, start + number + 1, first + number + 1)
                    for number, text in enumerate(before[start:stop])
                ]
                continue
            lines += [DiffLine("-", before[number], before=number + 1) for number in range(start, stop)]
            lines += [DiffLine("+", after[number], after=number + 1) for number in range(first, last)]
        end = group[-1][2]
    if lines and end < len(before):
        lines.append(DiffLine("…", ""))
    return lines


def _changes(before: list[str], after: list[str]) -> list[list[tuple[str, int, int, int, int]]]:
    """difflib's groups of changes; for texts that are too much for it, one that replaces everything."""
    counts = Counter(before)
    pairs = sum(counts[line] for line in after)
    if max(len(before), len(after)) > MOST_LINES or pairs > MOST_PAIRS:
        return [] if before == after else [[("replace", 0, len(before), 0, len(after))]]
    return list(SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(CONTEXT))
