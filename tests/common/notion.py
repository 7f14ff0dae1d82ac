"""A fake Notion that the platform is set up for, and a table to keep there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from apps.core.kinds import NotionDatabase, NotionProperty, NotionRow, NotionSource
from apps.core.registry import contributed, registry
from apps.integrations.notion import connection, pushing
from apps.integrations.notion.fake import FakeNotion
from apps.integrations.notion.pace import Pace

QUICK = 2_000.0  # calls a second: tests do not find out what a fake allows


def quick_pace() -> Pace:
    """A pace that is in nobody's way, and does not really rest."""
    pace = Pace(sleep=lambda seconds: None)
    pace.rate = QUICK
    pace.answered = lambda **_told: None  # type: ignore[method-assign] # it stays so
    pace.turn = lambda: None  # type: ignore[method-assign]
    return pace


def some(count: int, **values: Any) -> dict[str, dict[str, Any]]:
    """So many people."""
    return {f"p{number}": {"Name": f"Person {number}", "Age": number, **values} for number in range(count)}


@dataclass
class Kept:
    """A table that an app keeps; tests change `people` and sync."""

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: Exception | None = None

    def rows(self) -> Iterator[NotionRow]:
        """What should be there."""
        for key, values in self.people.items():
            yield NotionRow(key, values)
        if self.error:
            raise self.error

    @property
    def database(self) -> NotionDatabase:
        """As it is contributed."""
        return NotionDatabase(
            "people",
            "People",
            (
                NotionProperty("Name", "title"),
                NotionProperty("Note", "rich_text"),
                NotionProperty("Age", "number"),
                NotionProperty("Kind", "select", options=("good", "bad")),
                NotionProperty("Since", "date"),
                NotionProperty("Active", "checkbox"),
                NotionProperty("Site", "url"),
                NotionProperty("Mail", "email"),
            ),
            self.rows,
        )


@pytest.fixture
def fake_notion(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNotion]:
    """The platform talks to it."""
    with FakeNotion() as fake:
        settings.NOTION_TOKEN, settings.NOTION_PARENT_PAGE, settings.NOTION_API_URL = fake.token, fake.parent, fake.url
        settings.OUTBOUND_ALLOWED_HOSTS = [fake.url.removeprefix("http://")]
        pace = quick_pace()
        monkeypatch.setattr(connection, "pace", lambda: pace)
        monkeypatch.setattr(pushing, "SETTLES", pushing.SETTLES * 0)
        monkeypatch.setattr(pushing, "FIRST_PAUSE", 0.0)
        monkeypatch.setattr(pushing, "LOOK_AGAIN", 0.02)
        yield fake
        connection._gateway(fake.token, fake.url).close()
        connection._forget()


@contextmanager
def only(*tables: NotionDatabase | NotionSource) -> Iterator[None]:
    """Inside the block nobody contributes any other table."""
    both = [registry(NotionDatabase)._items, registry(NotionSource)._items]
    before = [dict(items) for items in both]
    for items in both:
        items.clear()
    try:
        with contributed(*tables):
            yield
    finally:
        for items, others in zip(both, before, strict=True):
            items.update(others)  # type: ignore[arg-type] # each what it was


@pytest.fixture
def kept() -> Iterator[Kept]:
    """The only table that anybody keeps."""
    table = Kept()
    with only(table.database):
        yield table
