"""The real gateway: `port.Notion` on the vendor's library, the only place that knows it.

The library repeats nothing by itself, and logs nothing: its words hold what was sent.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx
import structlog
from django.utils.translation import gettext_lazy as _
from notion_client import Client
from notion_client.errors import HTTPResponseError, NotionClientErrorBase, RequestTimeoutError

from apps.core.http import GuardedHttpError
from apps.integrations.notion.errors import (
    NotionInTrashError,
    NotionMissingError,
    NotionRateLimitedError,
    NotionRefusedError,
    NotionTokenError,
    NotionUnavailableError,
)
from apps.integrations.notion.objects import DataSource, Page, PageList, Raw
from apps.integrations.notion.port import PAGE_SIZE, Properties

log = structlog.get_logger(__name__)

API_VERSION = "2025-09-03"
TIMEOUT_MS = 30_000
LONGEST_WAIT = 3600.0
USUAL_WAIT = 1.0  # where a refusal names none
MOST_WORDS = 300
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_IN_TRASH = ("archived", "in trash")

_silent = logging.getLogger("notion_client.levqor")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class NotionGateway:
    """All that we ask of Notion, with one token. Threads may share it. It shows no token, however it is printed."""

    def __init__(self, token: str, address: str = "", *, transport: httpx.BaseTransport | None = None) -> None:
        options: dict[str, Any] = {"base_url": address} if address else {}
        self._notion = Client(
            client=httpx.Client(transport=transport),
            auth=token,
            notion_version=API_VERSION,
            timeout_ms=TIMEOUT_MS,
            retry=False,
            logger=_silent,
            log_level=logging.CRITICAL,
            **options,
        )

    def close(self) -> None:
        """Close its connections."""
        self._notion.close()

    def me(self) -> str:
        """The name of the integration whose token it is."""
        return str(_asked(self._notion.users.me).get("name") or "")

    # Tables ---------------------------------------------------------------------------------------------------------
    def databases_under(self, page: str) -> Iterator[tuple[str, str]]:
        """(id, title) of the databases that lie directly under a page."""
        for block in self.blocks(page):
            if block.get("type") == "child_database":
                yield str(block["id"]), str(block["child_database"].get("title", ""))

    def create_database(self, page: str, title: str, columns: Properties) -> DataSource:
        """A database with one data source, under a page."""
        made = _asked(
            self._notion.databases.create,
            parent={"type": "page_id", "page_id": page},
            title=[{"type": "text", "text": {"content": title}}],
            initial_data_source={"properties": dict(columns)},
        )
        return self._first_source(made)

    def database(self, database: str) -> DataSource:
        """A database's first data source."""
        return self._first_source(_asked(self._notion.databases.retrieve, database_id=database))

    def data_source(self, data_source: str) -> DataSource:
        """A data source with its columns."""
        return _data_source(_asked(self._notion.data_sources.retrieve, data_source_id=data_source))

    def add_columns(self, data_source: str, columns: Properties) -> DataSource:
        """More columns. Those that are there stay."""
        told = _asked(self._notion.data_sources.update, data_source_id=data_source, properties=dict(columns))
        return _data_source(told)

    def _first_source(self, database: Raw) -> DataSource:
        with _understood():
            first = str(database["data_sources"][0]["id"])
        found = self.data_source(first)
        return DataSource(found.id, found.database_id, found.title, found.columns, str(database.get("url") or ""))

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
        asked: dict[str, Any] = {"page_size": limit}
        if filter:
            asked["filter"] = filter
        if sorts:
            asked["sorts"] = list(sorts)
        if cursor:
            asked["start_cursor"] = cursor
        told = _asked(self._notion.data_sources.query, data_source_id=data_source, **asked)
        with _understood():
            return PageList([_page(one) for one in told["results"]], told.get("next_cursor") or None)

    def page(self, page: str) -> Page:
        """One page."""
        return _page(_asked(self._notion.pages.retrieve, page_id=page))

    def create_page(self, data_source: str, properties: Properties, blocks: Sequence[Raw] = ()) -> Page:
        """A row of a table."""
        parent = {"type": "data_source_id", "data_source_id": data_source}
        return self._create(parent, properties, blocks)

    def create_page_under(self, page: str, title: str, blocks: Sequence[Raw] = ()) -> Page:
        """A page under another page."""
        named = {"title": {"title": [{"type": "text", "text": {"content": title}}]}}
        return self._create({"type": "page_id", "page_id": page}, named, blocks)

    def _create(self, parent: Raw, properties: Properties, blocks: Sequence[Raw]) -> Page:
        more = {"children": list(blocks)} if blocks else {}
        return _page(_asked(self._notion.pages.create, parent=parent, properties=dict(properties), **more))

    def update_page(self, page: str, properties: Properties) -> Page:
        """Other values."""
        return _page(_asked(self._notion.pages.update, page_id=page, properties=dict(properties)))

    def archive_page(self, page: str) -> None:
        """Into the trash."""
        _asked(self._notion.pages.update, page_id=page, in_trash=True)

    def restore_page(self, page: str) -> None:
        """Out of the trash."""
        _asked(self._notion.pages.update, page_id=page, in_trash=False)

    # Text -----------------------------------------------------------------------------------------------------------
    def blocks(self, block: str) -> Iterator[dict[str, Any]]:
        """What a page or block holds."""
        cursor: str | None = None
        while True:
            asked = {"start_cursor": cursor} if cursor else {}
            told = _asked(self._notion.blocks.children.list, block_id=block, page_size=PAGE_SIZE, **asked)
            with _understood():
                found = list(told["results"])
            yield from found
            cursor = told.get("next_cursor")
            if not told.get("has_more") or not cursor:
                return

    def append_blocks(self, block: str, blocks: Sequence[Raw]) -> list[str]:
        """More text at the end of a page."""
        told = _asked(self._notion.blocks.children.append, block_id=block, children=list(blocks))
        with _understood():
            return [str(one["id"]) for one in told["results"]]


def _asked(call: Callable[..., Any], **arguments: Any) -> Mapping[str, Any]:
    """One call of the library; what it raises leaves as one of our errors."""
    try:
        told = call(**arguments)
    except HTTPResponseError as error:
        raise _explained(error) from None
    except GuardedHttpError as error:
        raise NotionUnavailableError(_("Notion was not reached."), ambiguous=error.maybe_sent) from error
    except RequestTimeoutError as error:
        sent = not isinstance(error.__context__, _NOT_SENT)
        raise NotionUnavailableError(_("Notion did not answer in time."), ambiguous=sent) from None
    except httpx.HTTPError as error:
        sent = not isinstance(error, _NOT_SENT)
        raise NotionUnavailableError(_("Notion was not reached."), ambiguous=sent) from error
    except (NotionClientErrorBase, httpx.InvalidURL) as error:  # an id that would lead elsewhere
        raise NotionRefusedError(_("This is no id of Notion's.")) from error
    except ValueError as error:  # what stands between us and Notion may answer in another form
        raise NotionUnavailableError(_("Notion answered in a form that is not its own."), ambiguous=True) from error
    if not isinstance(told, Mapping):
        raise NotionUnavailableError(_("Notion answered in a form that is not its own."), ambiguous=True)
    return told


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise NotionUnavailableError(_("Notion answered in a form that is not its own."), ambiguous=True) from error


def _explained(error: HTTPResponseError) -> Exception:
    status, code = error.status, str(getattr(error.code, "value", error.code))
    wait = _seconds(error.headers.get("retry-after", ""))
    if status == 429:
        return NotionRateLimitedError(
            _("Notion takes no more calls right now."), retry_after=USUAL_WAIT if wait is None else wait
        )
    log.warning("notion_call_failed", status=status, notion_code=code, notion_request=error.request_id)
    if status in (401, 403):
        return NotionTokenError(_("Notion does not take the token, or it does not allow this."))
    if status == 404:
        return NotionMissingError(_("Notion knows nothing of it, or it is not shared with the integration."))
    if status == 409:
        return NotionUnavailableError(_("Somebody else changes it at Notion."), retry_after=wait or 0.0)
    if 400 <= status < 500:
        words = str(error)[:MOST_WORDS]
        kind = NotionInTrashError if any(word in words.lower() for word in _IN_TRASH) else NotionRefusedError
        return kind(words, notion_code=code)
    return NotionUnavailableError(_("Notion can't answer right now."), ambiguous=True, retry_after=wait or 0.0)


def _seconds(value: str) -> float | None:
    try:
        return min(max(float(value), 0.0), LONGEST_WAIT)
    except ValueError:
        return None


def _page(told: Raw) -> Page:
    with _understood():
        edited = datetime.fromisoformat(str(told["last_edited_time"]))
        in_trash = bool(told.get("in_trash") or told.get("archived"))
        url, table = str(told.get("url") or ""), str(told["parent"].get("data_source_id") or "")
        return Page(str(told["id"]), url, edited, in_trash, table, dict(told.get("properties") or {}))


def _data_source(told: Raw) -> DataSource:
    with _understood():
        title = "".join(str(part.get("plain_text", "")) for part in told.get("title", ()))
        columns = {str(name): str(column["type"]) for name, column in told["properties"].items()}
        return DataSource(str(told["id"]), str(told["parent"]["database_id"]), title, columns)
