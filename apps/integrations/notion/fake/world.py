"""What exists in the fake Notion: pages, databases with a data source each, blocks. Whoever uses it holds `lock`."""

import threading
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from apps.integrations.notion.fake import checking
from apps.integrations.notion.fake.checking import Object
from apps.integrations.notion.fake.errors import invalid, no_such


def _now() -> str:
    """Notion rounds down to the minute."""
    return datetime.now(UTC).replace(second=0, microsecond=0).isoformat().replace("+00:00", ".000Z")


class World:
    """See above. Objects are dicts as Notion tells them; members that begin with `_` are ours."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.pages: dict[str, Object] = {}
        self.databases: dict[str, Object] = {}
        self.sources: dict[str, Object] = {}
        self.blocks: dict[str, Object] = {}
        self.children: dict[str, list[str]] = {}  # the ids of the blocks in a page or block, in order
        self.rows: dict[str, dict[str, None]] = {}  # the ids of a data source's pages, in order
        self.places: dict[str, int] = {}  # in which order pages came

    # Tables ---------------------------------------------------------------------------------------------------------
    def create_database(self, parent: str, title: list[Object], columns: dict[str, Object]) -> Object:
        """A database with a data source, and its block within the page."""
        self.page(parent)
        database, source = str(uuid.uuid4()), str(uuid.uuid4())
        moment, name = _now(), checking.plain(title)
        self.sources[source] = {
            "object": "data_source", "id": source, "title": title, "properties": columns, "in_trash": False,
            "created_time": moment, "last_edited_time": moment,
            "parent": {"type": "database_id", "database_id": database},
            "database_parent": {"type": "page_id", "page_id": parent},
        }  # fmt: skip
        self.databases[database] = {
            "object": "database", "id": database, "title": title, "in_trash": False, "is_inline": False,
            "created_time": moment, "last_edited_time": moment, "parent": {"type": "page_id", "page_id": parent},
            "data_sources": [{"id": source, "name": name}], "url": f"https://www.notion.so/{database.replace('-', '')}",
        }  # fmt: skip
        self.rows[source] = {}
        self._add_block(parent, {"type": "child_database", "child_database": {"title": name}}, block_id=database)
        return self.databases[database]

    def source(self, source: str) -> Object:
        """A data source that is not in the trash."""
        found = self.sources.get(source)
        if found is None or found["in_trash"]:
            raise no_such("data source", source)
        return found

    def add_columns(self, source: str, wanted: dict[str, Any]) -> Object:
        """More columns, or other names of those that are there."""
        found = self.source(source)
        renamed = {
            name: one["name"]
            for name, one in wanted.items()
            if isinstance(one, dict) and set(one) == {"name"} and name in found["properties"]
        }
        for name, described in checking.columns(
            {name: one for name, one in wanted.items() if name not in renamed}, whole=False
        ).items():
            if described["type"] == "title":
                raise invalid("Only one title property is allowed.")
            found["properties"][name] = described
        for name, other in renamed.items():
            found["properties"][other] = {**found["properties"].pop(name), "name": other}
            for page in self.rows[source]:
                values = self.pages[page]["properties"]
                values[other] = values.pop(name)
        for page in self.rows[source]:
            for name, column in found["properties"].items():
                self.pages[page]["properties"].setdefault(name, checking.empty(column))
        return found

    def trash_database(self, database: str) -> None:
        """Somebody throws a database away."""
        with self.lock:
            self.databases[database]["in_trash"] = True
            for source in self.databases[database]["data_sources"]:
                self.sources[source["id"]]["in_trash"] = True
            parent = self.databases[database]["parent"]["page_id"]
            self.children[parent].remove(database)

    # Pages ----------------------------------------------------------------------------------------------------------
    def page(self, page: str) -> Object:
        """A page, in the trash or not."""
        found = self.pages.get(page)
        if found is None:
            raise no_such("page", page)
        return found

    def create_page(self, parent: Object, properties: dict[str, Object], blocks: Iterable[Object] = ()) -> Object:
        """A page with its text."""
        page, moment = str(uuid.uuid4()), _now()
        made: Object = {
            "object": "page", "id": page, "created_time": moment, "last_edited_time": moment, "in_trash": False,
            "archived": False, "parent": parent, "properties": properties,
            "url": f"https://www.notion.so/{page.replace('-', '')}",
        }  # fmt: skip
        self.pages[page], self.places[page] = made, len(self.places)
        if source := parent.get("data_source_id"):
            self.rows[source][page] = None
        self.append(page, blocks)
        return made

    def touch(self, page: Object) -> None:
        """It was changed now."""
        page["last_edited_time"] = _now()

    def trash(self, page: Object, *, in_trash: bool) -> None:
        """Into the trash, or out of it."""
        page["in_trash"] = page["archived"] = in_trash
        self.touch(page)

    def delete(self, page: str) -> None:
        """Somebody empties the trash."""
        with self.lock:
            gone = self.pages.pop(page)
            self.rows.get(gone["parent"].get("data_source_id", ""), {}).pop(page, None)

    # Blocks ---------------------------------------------------------------------------------------------------------
    def append(self, parent: str, blocks: Iterable[Object]) -> list[Object]:
        """More blocks at the end."""
        return [self._add_block(parent, block) for block in blocks]

    def _add_block(self, parent: str, block: Object, block_id: str = "") -> Object:
        inside = block.get("_children", [])
        made = {
            "object": "block", "id": block_id or str(uuid.uuid4()), "has_children": bool(inside), "in_trash": False,
            "archived": False, **{name: value for name, value in block.items() if name != "_children"},
        }  # fmt: skip
        self.blocks[made["id"]] = made
        self.children.setdefault(parent, []).append(made["id"])
        if parent in self.blocks:
            self.blocks[parent]["has_children"] = True
        self.append(made["id"], inside)
        return made
