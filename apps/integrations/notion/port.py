"""What we ask of Notion. `gateway.py` asks the real one or the fake one, whose address is all that differs.

Notion has no idempotency keys: a page that is created twice is there twice. Reads, updates, archiving and restoring may
be repeated; `create_*` and `append_blocks` may not, unless the first try is known to have come to nothing. Everything
may raise `NotionUnavailableError` (its `ambiguous` says whether it may have been done), `NotionRateLimitedError`,
`NotionTokenError`, `NotionRefusedError` (never as it stands) and, where something is named, `NotionMissingError`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from apps.integrations.notion.objects import DataSource, Page, PageList, Raw

PAGE_SIZE = 100  # the most that Notion puts into one answer
Properties = Mapping[str, Any]


class Notion(Protocol):
    """See above."""

    def me(self) -> str:
        """The name of the integration whose token it is."""
        ...

    # Tables ---------------------------------------------------------------------------------------------------------
    def databases_under(self, page: str) -> Iterator[tuple[str, str]]:
        """(id, title) of the databases that lie directly under a page."""
        ...

    def create_database(self, page: str, title: str, columns: Properties) -> DataSource:
        """A database with one data source, under a page."""
        ...

    def database(self, database: str) -> DataSource:
        """A database's first data source."""
        ...

    def data_source(self, data_source: str) -> DataSource:
        """A data source with its columns."""
        ...

    def add_columns(self, data_source: str, columns: Properties) -> DataSource:
        """More columns. Those that are there stay."""
        ...

    # Pages ----------------------------------------------------------------------------------------------------------
    def query(
        self,
        data_source: str,
        *,
        filter: Raw | None = None,
        sorts: Sequence[Raw] = (),
        cursor: str | None = None,
        limit: int = PAGE_SIZE,
    ) -> PageList:
        """Pages of a table that are not in the trash."""
        ...

    def page(self, page: str) -> Page:
        """One page."""
        ...

    def create_page(self, data_source: str, properties: Properties, blocks: Sequence[Raw] = ()) -> Page:
        """A row of a table."""
        ...

    def create_page_under(self, page: str, title: str, blocks: Sequence[Raw] = ()) -> Page:
        """A page under another page."""
        ...

    def update_page(self, page: str, properties: Properties) -> Page:
        """Other values. `NotionInTrashError` for one in the trash."""
        ...

    def archive_page(self, page: str) -> None:
        """Into the trash, from which people can take it for 30 days."""
        ...

    def restore_page(self, page: str) -> None:
        """Out of the trash."""
        ...

    # Text -----------------------------------------------------------------------------------------------------------
    def blocks(self, block: str) -> Iterator[dict[str, Any]]:
        """What a page or block holds, page after page of the list, as Notion tells it."""
        ...

    def append_blocks(self, block: str, blocks: Sequence[Raw]) -> list[str]:
        """More text at the end of a page; the ids of the new blocks. At most 100 at once."""
        ...
