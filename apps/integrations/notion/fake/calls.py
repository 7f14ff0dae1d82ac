"""What the fake answers: one function a call, `(world, body, query, **path) -> answer`."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from apps.integrations.notion.fake import checking
from apps.integrations.notion.fake.checking import Object, id_of, only
from apps.integrations.notion.fake.errors import FakeError, invalid, no_such
from apps.integrations.notion.fake.world import World

Query = dict[str, str]
Call = Callable[..., Object]
_ROUTES: list[tuple[str, re.Pattern[str], Call]] = []
MOST_FILTERS = 100


def route(method: str, path: str) -> Callable[[Call], Call]:
    """Answer this address."""

    def register(call: Call) -> Call:
        _ROUTES.append((method, re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), call))
        return call

    return register


def find_call(method: str, path: str) -> tuple[Call, dict[str, str]]:
    """The function for an address, with the ids in it."""
    for known, pattern, call in _ROUTES:
        if known == method and (fits := pattern.fullmatch(path)):
            return call, {name: id_of(value, f"path.{name}") for name, value in fits.groupdict().items()}
    raise FakeError(400, "invalid_request_url", "Invalid request URL.")


@route("GET", "/v1/users/me")
def me(world: World, body: Object, query: Query) -> Object:
    """Who asks."""
    return {"object": "user", "id": "00000000-0000-4000-8000-000000000001", "type": "bot", "name": "Levqor (fake)"}


# Tables -------------------------------------------------------------------------------------------------------------
@route("POST", "/v1/databases")
def create_database(world: World, body: Object, query: Query) -> Object:
    """A database under a page."""
    only(body, "parent", "title", "description", "is_inline", "initial_data_source", "icon", "cover")
    parent = body.get("parent") or {}
    if "page_id" not in parent:
        raise invalid("body failed validation: body.parent.page_id should be defined.")
    title = checking.rich_text(body.get("title", []), "body.title")
    described = (body.get("initial_data_source") or {}).get("properties", {})
    return world.create_database(
        id_of(parent["page_id"], "body.parent.page_id"), title, checking.columns(described, whole=True)
    )


@route("GET", "/v1/databases/{database}")
def database(world: World, body: Object, query: Query, database: str) -> Object:
    """A database."""
    found = world.databases.get(database)
    if found is None:
        raise no_such("database", database)
    return found


@route("GET", "/v1/data_sources/{source}")
def data_source(world: World, body: Object, query: Query, source: str) -> Object:
    """A data source."""
    return world.source(source)


@route("PATCH", "/v1/data_sources/{source}")
def update_data_source(world: World, body: Object, query: Query, source: str) -> Object:
    """More columns."""
    only(body, "properties", "title", "icon", "in_trash", "parent")
    return world.add_columns(source, body.get("properties", {}))


@route("POST", "/v1/data_sources/{source}/query")
def query_data_source(world: World, body: Object, query: Query, source: str) -> Object:
    """The pages in it that fit, in order."""
    only(body, "filter", "sorts", "start_cursor", "page_size", "in_trash", "archived", "result_type")
    schema = world.source(source)["properties"]
    fits = _filter(body["filter"], schema) if "filter" in body else lambda _page: True
    found = [world.pages[page] for page in world.rows[source]]
    found = [page for page in found if not page["in_trash"] and fits(page)]
    for sort in reversed(body.get("sorts", [])):
        found.sort(key=_sort_key(sort, schema), reverse=sort.get("direction") == "descending")
    return _part_of(found, body.get("start_cursor"), body.get("page_size", 100), "page_or_data_source")


def _filter(wanted: Any, schema: dict[str, Object], depth: int = 0) -> Callable[[Object], bool]:
    if not isinstance(wanted, dict) or depth > 2:
        raise invalid("body failed validation: body.filter should be an object nested at most twice.")
    for word, joined in (("or", any), ("and", all)):
        if word in wanted:
            parts = wanted[word]
            if not isinstance(parts, list) or len(parts) > MOST_FILTERS:
                raise invalid(f"body failed validation: body.filter.{word}.length should be ≤ `{MOST_FILTERS}`.")
            tests = [_filter(part, schema, depth + 1) for part in parts]
            return lambda page: joined(test(page) for test in tests)
    if "timestamp" in wanted:
        kind = wanted["timestamp"]
        condition = wanted.get(kind)
        if kind not in ("last_edited_time", "created_time") or not isinstance(condition, dict):
            raise invalid("body failed validation: body.filter.timestamp is unknown.")
        return partial(_is_edited, condition, kind)
    name = wanted.get("property")
    column = schema.get(str(name))
    if column is None:
        raise invalid(f"Could not find property with name or id: {name}")
    kind = column["type"]
    condition = wanted.get(kind)
    if not isinstance(condition, dict) or len(condition) != 1:
        raise invalid(f"database property {kind} does not match filter")
    return partial(_has, condition, str(name), kind)


def _is_edited(condition: Object, kind: str, page: Object) -> bool:
    return _holds(condition, page[kind], "date")


def _has(condition: Object, name: str, kind: str, page: Object) -> bool:
    return _holds(condition, _plain(page["properties"][name]), kind)


def _plain(value: Object) -> Any:
    kind = value["type"]
    told = value[kind]
    if kind in ("title", "rich_text"):
        return checking.plain(told)
    if kind == "select":
        return told["name"] if told else None
    return told["start"] if kind == "date" and told else told


def _holds(condition: Object, value: Any, kind: str) -> bool:
    word, wanted = next(iter(condition.items()))
    if word in ("is_empty", "is_not_empty"):
        return (value in (None, "")) is (word == "is_empty")
    if word == "equals":
        return bool(value == wanted)
    if word == "does_not_equal":
        return bool(value != wanted)
    if word == "contains" and isinstance(value, str):
        return str(wanted) in value
    if kind in ("date", "number") and value is not None:
        mine, other = (checking.moment(str(one)) if kind == "date" else one for one in (value, wanted))
        if word in ("on_or_after", "greater_than_or_equal_to"):
            return bool(mine >= other)
        if word in ("after", "greater_than"):
            return bool(mine > other)
        if word in ("on_or_before", "less_than_or_equal_to"):
            return bool(mine <= other)
        if word in ("before", "less_than"):
            return bool(mine < other)
        raise invalid(f"body failed validation: the filter {word} is unknown.")
    return False


def _sort_key(sort: Any, schema: dict[str, Object]) -> Callable[[Object], Any]:
    if not isinstance(sort, dict) or sort.get("direction", "ascending") not in ("ascending", "descending"):
        raise invalid("body failed validation: body.sorts is not understood.")
    if "timestamp" in sort:
        return lambda page: page[sort["timestamp"]]
    name = sort.get("property")
    if name not in schema:
        raise invalid(f"Could not find sort property with name or id: {name}")
    return lambda page: (_plain(page["properties"][name]) is not None, _plain(page["properties"][name]) or 0)


def _part_of(found: Sequence[Object], cursor: Any, size: Any, kind: str) -> Object:
    if not isinstance(size, int) or not 1 <= size <= 100:
        raise invalid("body failed validation: body.page_size should be ≤ `100` and ≥ `1`.")
    ids = [one["id"] for one in found]
    if cursor is not None and cursor not in ids:
        raise invalid(f"The start_cursor provided is invalid: {cursor}")
    begin = ids.index(cursor) if cursor is not None else 0
    end = begin + size
    return {
        "object": "list", "results": list(found[begin:end]), "has_more": end < len(ids),
        "next_cursor": ids[end] if end < len(ids) else None, "type": kind, kind: {},
    }  # fmt: skip


# Pages --------------------------------------------------------------------------------------------------------------
@route("POST", "/v1/pages")
def create_page(world: World, body: Object, query: Query) -> Object:
    """A row of a table, or a page under a page."""
    only(body, "parent", "properties", "children", "icon", "cover")
    parent = body.get("parent") or {}
    blocks = checking.blocks(body.get("children", []))
    if "data_source_id" in parent:
        source = id_of(parent["data_source_id"], "body.parent.data_source_id")
        schema = world.source(source)["properties"]
        given = checking.values(body.get("properties", {}), schema)
        values = {name: given.get(name) or checking.empty(column) for name, column in schema.items()}
        return world.create_page({"type": "data_source_id", "data_source_id": source}, values, blocks)
    if "page_id" not in parent:
        raise invalid("body failed validation: body.parent should have data_source_id or page_id.")
    above = world.page(id_of(parent["page_id"], "body.parent.page_id"))
    values = checking.values(body.get("properties", {}), {"title": {"id": "title", "type": "title", "title": {}}})
    made = world.create_page({"type": "page_id", "page_id": above["id"]}, values, blocks)
    title = checking.plain(values["title"]["title"]) if "title" in values else ""
    world._add_block(above["id"], {"type": "child_page", "child_page": {"title": title}}, block_id=made["id"])
    return made


@route("GET", "/v1/pages/{page}")
def page(world: World, body: Object, query: Query, page: str) -> Object:
    """A page."""
    return world.page(page)


@route("PATCH", "/v1/pages/{page}")
def update_page(world: World, body: Object, query: Query, page: str) -> Object:
    """Other values, or into the trash and out of it."""
    only(body, "properties", "in_trash", "archived", "icon", "cover", "is_locked")
    found = world.page(page)
    trash = body.get("in_trash", body.get("archived"))
    if trash is not None:
        if not isinstance(trash, bool):
            raise invalid("body failed validation: body.in_trash should be a boolean.")
        world.trash(found, in_trash=trash)
    if "properties" in body:
        if found["in_trash"]:
            raise invalid("Can't edit block that is archived. You must unarchive the block before editing.")
        source = found["parent"].get("data_source_id")
        schema = world.source(source)["properties"] if source else {"title": {"id": "title", "type": "title"}}
        found["properties"].update(checking.values(body["properties"], schema))
        world.touch(found)
    return found


# Blocks -------------------------------------------------------------------------------------------------------------
@route("GET", "/v1/blocks/{block}/children")
def children(world: World, body: Object, query: Query, block: str) -> Object:
    """What lies in a page or block."""
    _container(world, block)
    size = query.get("page_size", "100")
    found = [world.blocks[one] for one in world.children.get(block, [])]
    return _part_of(found, query.get("start_cursor"), int(size) if size.isdecimal() else 0, "block")


@route("PATCH", "/v1/blocks/{block}/children")
def append_children(world: World, body: Object, query: Query, block: str) -> Object:
    """More of it."""
    only(body, "children", "after", "position")
    found = _container(world, block)
    if found.get("in_trash"):
        raise invalid("Can't edit block that is archived. You must unarchive the block before editing.")
    made = world.append(block, checking.blocks(body.get("children")))
    if found["object"] == "page":
        world.touch(found)
    return {"object": "list", "results": made, "has_more": False, "next_cursor": None, "type": "block", "block": {}}


def _container(world: World, block: str) -> Object:
    found = world.pages.get(block) or world.blocks.get(block)
    if found is None:
        raise no_such("block", block)
    return found
