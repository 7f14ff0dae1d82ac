"""What the benchmark of Notion's sync asks the driver process to do: keep a table of so many rows there."""

import time
from collections.abc import Iterator
from typing import Any

from apps.core.kinds import NotionDatabase, NotionProperty, NotionRow
from apps.core.registry import contributed
from apps.integrations.models import NotionPage
from apps.integrations.notion.syncing import sync_named

COLUMNS = (
    NotionProperty("Key ID", "title"),
    NotionProperty("User ID", "rich_text"),
    NotionProperty("Tier", "select", options=("sandbox", "pro")),
    NotionProperty("Calls Used", "number"),
)


def sync(rows: int, changed: int, version: int) -> dict[str, Any]:
    """Sync a table of so many rows, the first `changed` of them as of this version. Seconds, and what was said."""

    def all_rows() -> Iterator[NotionRow]:
        for number in range(rows):
            calls = version if number < changed else 0
            values = {"Key ID": f"key_{number}", "User ID": f"usr_{number}", "Tier": "pro", "Calls Used": calls}
            yield NotionRow(f"key_{number}", values)

    with contributed(NotionDatabase("bench", "Bench", COLUMNS, all_rows)):
        began = time.perf_counter()
        said = sync_named("bench")
        seconds = time.perf_counter() - began
    left = NotionPage.objects.exclude(state=NotionPage.State.SYNCED).count()
    return {"seconds": seconds, "said": said, "left": left}
