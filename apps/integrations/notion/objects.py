"""What Notion answers, as much of it as we use."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class DataSource:
    """A table: its columns by name, each with its kind ("rich_text", "select", …)."""

    id: str
    database_id: str
    title: str
    columns: Mapping[str, str]
    url: str = ""


@dataclass(frozen=True)
class Page:
    """A page or a row. `properties` are Notion's own; `table` is its data source, "" for none. Notion rounds
    `edited_at` down to the minute."""

    id: str
    url: str
    edited_at: datetime
    in_trash: bool
    table: str
    properties: Raw


@dataclass(frozen=True)
class PageList:
    """A part of what a query finds; `cursor` leads on, None at the end."""

    pages: list[Page]
    cursor: str | None


@dataclass(frozen=True)
class WrittenPage:
    """A page that people wrote at Notion, as a `NotionSource` receives it: values by column, text as Markdown."""

    id: str
    url: str
    edited_at: datetime
    values: Mapping[str, Any]
    markdown: str


def page_id(text: str) -> str:
    """An id in the form in which Notion answers it, whichever of the two forms it has. Raises `ValueError`."""
    return str(uuid.UUID(text))
