"""What a check reports, and what counts as words."""

import re
from dataclasses import dataclass

NOT_TRANSLATED = "not translated:"  # in a comment on the line, with the reason
NAMES = frozenset(
    "Levqor SQLite PostgreSQL Redis Python Google GitHub Markdown Bearer Authorization curl cron webhook".split()  # noqa: SIM905 - reads better
)
WORD = re.compile(r"[^\W\d_]{2,}")
NO_WORDS = re.compile(
    r"""\w+_\w+ | https?://\S+ | \S+@\S+ | \S+\.[a-z]{2,4}\b | [\w:-]+=("[^"]*"|'[^']*')""", re.VERBOSE
)
ABBREVIATION = re.compile(r"[A-Z]{2,5}s?")


@dataclass(frozen=True, order=True)
class Finding:
    """One unmarked text: the line (from 1) and the text itself."""

    line: int
    text: str


def has_words(text: str) -> bool:
    """Whether there is anything to translate: names, abbreviations, addresses and numbers are the same everywhere."""
    words = WORD.findall(NO_WORDS.sub(" ", text))
    return any(word not in NAMES and not ABBREVIATION.fullmatch(word) for word in words)


def shortened(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())[:100]


def excused_lines(source: str) -> set[int]:
    """Lines (from 1) that a comment excuses: its own, and its neighbours, since a formatter may move it."""
    marked = [number for number, line in enumerate(source.splitlines(), start=1) if NOT_TRANSLATED in line]
    return {number + offset for number in marked for offset in (-1, 0, 1)}
