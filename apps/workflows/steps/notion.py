"""`notion`: pages of the customer's own Notion, with a token from the organization's secrets.

Notion has no idempotency keys. What is only read or changed may be repeated. What is created or appended without our
hearing of it ends as `unknown_outcome`; with `unique_by` a page is looked for before it is created, so that a repeat
finds the first one's.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import StepType
from apps.integrations.notion.connection import notion_of
from apps.integrations.notion.errors import (
    NotionMissingError,
    NotionRateLimitedError,
    NotionRefusedError,
    NotionTokenError,
    NotionUnavailableError,
)
from apps.integrations.notion.objects import Page, page_id
from apps.integrations.notion.port import PAGE_SIZE, Notion
from apps.integrations.notion.properties import values_of
from apps.workflows import limits
from apps.workflows.engine.contract import StepCall, StepFailure

FILTERED = ("title", "rich_text", "number", "select", "url", "email", "checkbox", "date", "phone_number")
ID = {"type": "string", "minLength": 1, "maxLength": 100}
SCHEMA = {
    "type": "object",
    "properties": {
        "action": {"enum": ["create_page", "update_page", "query", "append"]},
        "token": {
            "type": "string",
            "minLength": 1,
            "maxLength": 500,
            "description": "an integration's token, from the secrets: {{ secrets.NOTION_TOKEN }}",
        },
        "data_source_id": {**ID, "description": "the table, for create_page and query"},
        "page_id": {**ID, "description": "the page, for update_page and append; the parent, for create_page"},
        "title": {"type": "string", "maxLength": 2000, "description": "of a page that is created under another"},
        "properties": {
            "type": "object",
            "maxProperties": 200,
            "description": "values by column, in Notion's form: {Status: {select: {name: Done}}}",
        },
        "unique_by": {
            "type": "string",
            "maxLength": 200,
            "description": "a column in properties: a page that has the same value is updated, not created again",
        },
        "children": {"type": "array", "maxItems": 100, "description": "blocks of text, in Notion's form"},
        "filter": {"type": "object", "description": "for query, in Notion's form"},
        "sorts": {"type": "array", "maxItems": 20, "items": {"type": "object"}},
        "limit": {"type": ["integer", "string"], "description": "how many pages a query gives: 1 to 100"},
        "start_cursor": {"type": ["string", "null"], "maxLength": 200, "description": "where the last query ended"},
    },
    "required": ["action", "token"],
    "additionalProperties": False,
}
# What each action needs, and what it may have beside it.
NEEDED: Mapping[str, tuple[set[str], set[str]]] = {
    "create_page": (set(), {"data_source_id", "page_id", "title", "properties", "unique_by", "children"}),
    "update_page": ({"page_id", "properties"}, set()),
    "query": ({"data_source_id"}, {"filter", "sorts", "limit", "start_cursor"}),
    "append": ({"page_id", "children"}, set()),
}
TOKEN = re.compile(r"[!-~]+")  # nothing else can stand in a header
REPEATABLE = ("query", "update_page")


def run(call: StepCall) -> dict[str, Any]:
    """Ask Notion. Output: {id, url, properties} of a page, {pages, next_cursor} of a query, {blocks} of an append."""
    config = _checked(call.config)
    seconds = min(call.timeout, limits.STEP_TIMEOUT).total_seconds()
    gateway: Any = notion_of(config["token"], seconds)
    with closing(gateway):
        try:
            return ACTIONS[config["action"]](gateway, config)
        except NotionRateLimitedError as error:
            raise _failed(error, transient=True, retry_after=error.retry_after) from error
        except NotionUnavailableError as error:
            raise _unanswered(error, config) from error
        except (NotionTokenError, NotionMissingError, NotionRefusedError) as error:
            raise _failed(error) from error


def mock(call: StepCall) -> dict[str, Any]:
    """What stands for the call in a sandbox. Output as of `run`."""
    config = _checked(call.config)
    if config["action"] == "query":
        return {"pages": [], "next_cursor": None}
    if config["action"] == "append":
        return {"blocks": ["00000000-0000-4000-8000-000000000000"] * len(config["children"])}
    page = config.get("page_id") if config["action"] == "update_page" else None
    return {"id": page or "00000000-0000-4000-8000-000000000000", "url": "https://www.notion.so/mock", "properties": {}}


def _checked(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with ids in one form. Raises `StepFailure` where something is missing or does not belong."""
    action, token = config["action"], config["token"].strip()
    if not TOKEN.fullmatch(token):
        raise _wrong("“token” is not one of Notion's: they have plain letters, figures and marks, and no blanks.")
    needed, allowed = NEEDED[action]
    given = config.keys() - {"action", "token"}
    missing, strange = sorted(needed - given), sorted(given - needed - allowed)
    if missing:
        raise _wrong(f"“{action}” needs “{missing[0]}”.")
    if strange:
        raise _wrong(f"“{strange[0]}” is not for “{action}”.")
    if action == "create_page" and ("data_source_id" in given) is ("page_id" in given):
        raise _wrong("“create_page” needs either “data_source_id” or “page_id”.")
    if "page_id" in given and action == "create_page" and not config.get("title"):
        raise _wrong("a page that is created under another needs a “title”.")
    known = config.get("properties", {}) if "data_source_id" in given else {}
    if "unique_by" in given and config["unique_by"] not in known:
        raise _wrong("“unique_by” names one of “properties”, in a page of a data source.")
    ids: dict[str, Any] = {name: _id(config[name]) for name in ("data_source_id", "page_id") if name in given}
    return {**config, **ids, "token": token}


def _id(value: str) -> str:
    last = value.partition("?")[0].rstrip("/").rpartition("/")[2]  # of an address
    try:
        return page_id(last.rpartition("-")[2] if "/" in value else last)
    except ValueError:
        raise _wrong(f"“{value[:80]}” is no id of Notion's.") from None


# What is done -------------------------------------------------------------------------------------------------------
def _create(notion: Notion, config: Mapping[str, Any]) -> dict[str, Any]:
    children = config.get("children", ())
    if "page_id" in config:
        return _page(notion.create_page_under(config["page_id"], config["title"], children))
    source, properties = config["data_source_id"], config.get("properties", {})
    if name := config.get("unique_by"):
        found = notion.query(source, filter=_same(name, properties[name]), limit=1).pages
        if found:
            return _page(notion.update_page(found[0].id, properties))
    return _page(notion.create_page(source, properties, children))


def _update(notion: Notion, config: Mapping[str, Any]) -> dict[str, Any]:
    return _page(notion.update_page(config["page_id"], config["properties"]))


def _query(notion: Notion, config: Mapping[str, Any]) -> dict[str, Any]:
    limit = str(config.get("limit", PAGE_SIZE))
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit) <= PAGE_SIZE):
        raise _wrong(f"limit: it is from 1 to {PAGE_SIZE}")
    told = notion.query(
        config["data_source_id"],
        filter=config.get("filter"),
        sorts=config.get("sorts", ()),
        cursor=config.get("start_cursor"),
        limit=int(limit),
    )
    return {"pages": [_page(page) for page in told.pages], "next_cursor": told.cursor}


def _append(notion: Notion, config: Mapping[str, Any]) -> dict[str, Any]:
    return {"blocks": notion.append_blocks(config["page_id"], config["children"])}


ACTIONS: Mapping[str, Callable[[Notion, Mapping[str, Any]], dict[str, Any]]] = {
    "create_page": _create,
    "update_page": _update,
    "query": _query,
    "append": _append,
}


def _page(page: Page) -> dict[str, Any]:
    return {"id": page.id, "url": page.url, "properties": values_of(page.properties)}


def _same(name: str, value: Any) -> dict[str, Any]:
    """A filter for pages with this value."""
    kind = next((kind for kind in FILTERED if isinstance(value, Mapping) and kind in value), None)
    if kind is None:
        raise _wrong(f"“{name}” is of a kind that no page can be found by.")
    told: Any = value[kind]
    if kind in ("title", "rich_text"):
        told = "".join(str((part.get("text") or {}).get("content", "")) for part in told or ())
    elif kind in ("select", "date") and isinstance(told, Mapping):
        told = told.get("name") if kind == "select" else told.get("start")
    if told in (None, ""):
        raise _wrong(f"“{name}” is empty, and so no page can be found by it.")
    return {"property": name, kind: {"equals": told}}


# What went wrong ----------------------------------------------------------------------------------------------------
def _wrong(message: str) -> StepFailure:
    return StepFailure("invalid_step_input", message)


def _failed(error: Any, *, transient: bool = False, retry_after: float | None = None) -> StepFailure:
    return StepFailure(error.code, str(error.detail), transient=transient, retry_after=retry_after)


def _unanswered(error: NotionUnavailableError, config: Mapping[str, Any]) -> StepFailure:
    repeatable = config["action"] in REPEATABLE or "unique_by" in config
    if error.ambiguous and not repeatable:
        return StepFailure("unknown_outcome", "Notion gave no usable answer, so nobody knows whether it was done.")
    return _failed(error, transient=True, retry_after=error.retry_after or None)


NOTION = StepType(
    name="notion", label=_("Notion"), schema=SCHEMA, run=run, effect="outside", mock=mock, on_interrupt="fail"
)
