"""What holds for every file of the project."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from levqor.env import ROOT

MOST_LINES = 400
FOLDERS = ("apps", "cli", "fixtures", "levqor", "sdk", "static", "templates", "tests")
WRITTEN = {".py", ".html", ".css", ".js", ".md", ".toml", ".yaml", ".txt", ".ts"}
NOT_WRITTEN = {"migrations", "__pycache__", "node_modules", "screenshots"}
PROMISES = ("TODO", "FIXME", "XXX:", "coming soon")


def files() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in WRITTEN and not NOT_WRITTEN & set(path.relative_to(ROOT).parts):
                yield path


def lines(path: Path) -> int:
    return path.read_text().count("\n")


def test_no_file_is_long() -> None:
    long = {str(path.relative_to(ROOT)): lines(path) for path in files() if lines(path) >= MOST_LINES}
    assert not long, f"split what has {MOST_LINES} lines or more"


def test_nothing_is_promised_for_later() -> None:
    here = Path(__file__)
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in files()
        if path != here
        for word in PROMISES
        if word in path.read_text()
    ]
    assert not found


@pytest.mark.parametrize("app", sorted(path.parent.name for path in (ROOT / "apps").glob("*/apps.py")))
def test_every_app_introduces_itself(app: str) -> None:
    assert len((ROOT / "apps" / app / "README.md").read_text()) > 300
