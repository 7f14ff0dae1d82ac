"""A process that keeps a table at Notion, to be killed; and what frees what it held, as time would."""

import sys
from collections.abc import Iterator
from typing import Any

import django

from apps.core.kinds import NotionDatabase, NotionProperty, NotionRow
from apps.core.registry import contributed
from levqor.celery import app

ROWS = 400


def rows() -> Iterator[NotionRow]:
    """What should be there."""
    for number in range(ROWS):
        yield NotionRow(f"row-{number}", {"Name": f"Row {number}"})


def free() -> dict[str, Any]:
    """Leases end. Returns how many rows were on their way, and how many are known to be there."""
    from apps.core.clock import now
    from apps.integrations.models import NotionPage, NotionTable

    NotionTable.objects.update(lease_until=None, due_at=None)
    sending = NotionPage.objects.filter(state=NotionPage.State.SENDING).update(due_at=now())
    return {"sending": sending, "synced": NotionPage.objects.filter(state=NotionPage.State.SYNCED).count()}


def main() -> None:
    """Sync it."""
    app.set_default()
    django.setup()
    from apps.integrations.notion.syncing import sync_named

    with contributed(NotionDatabase("killed", "Killed", (NotionProperty("Name", "title"),), rows)):
        sys.stdout.write(f"{sync_named('killed')}\n")


if __name__ == "__main__":
    main()
