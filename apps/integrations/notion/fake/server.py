"""The fake Notion's HTTP: the token, limits, faults on demand and by chance, and a record of what was asked."""

import hmac
import json
import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from apps.integrations.fakes import FakeServer, Reply
from apps.integrations.notion.fake import checking
from apps.integrations.notion.fake.calls import find_call
from apps.integrations.notion.fake.checking import Object
from apps.integrations.notion.fake.errors import FakeError
from apps.integrations.notion.fake.overview import overview
from apps.integrations.notion.fake.trouble import Trouble
from apps.integrations.notion.fake.world import World

VERSIONS = ("2025-09-03", "2026-03-11")
PARENT = "0fa4e000-0000-4000-8000-000000000001"  # the page that tables are kept under, known to whoever sets it up
_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@dataclass
class Fault:
    """The next answer to a call: a status, or a broken connection, before or after the effect. `path` is a part of the
    addresses that it is for."""

    status: int = 500
    code: str = "internal_server_error"
    retry_after: int | None = None
    hang_up: bool = False
    after_effect: bool = False
    method: str = ""
    path: str = ""


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    path: str
    body: Object

    @property
    def is_write(self) -> bool:
        """Whether something changes by it."""
        return self.method != "GET" and not self.path.endswith("/query")


class FakeNotion:
    """A small Notion that answers until its block ends; in tests on a free port. `trouble` happens by chance."""

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, token: str = "", trouble: Trouble | None = None
    ) -> None:
        self.token = token or f"ntn_{secrets.token_hex(24)}"
        self.trouble = trouble
        self.faults: list[Fault] = []
        self.requests: deque[Request] = deque(maxlen=100_000)
        self.world = World()
        self.parent = PARENT
        with self.world.lock:
            made = self.world.create_page({"type": "workspace", "workspace": True}, {})
            self.world.pages[PARENT] = {**self.world.pages.pop(made["id"]), "id": PARENT}
        self._server = FakeServer(host, port, self.answer, keep_alive=True)
        self.url = self._server.url

    def __enter__(self) -> "FakeNotion":
        self._server.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.stop()

    # What people do -------------------------------------------------------------------------------------------------
    def write(self, source: str, properties: Object, blocks: Iterable[Object] = ()) -> str:
        """Somebody writes a page into a table."""
        with self.world.lock:
            body = {"parent": {"data_source_id": source}, "properties": properties, "children": list(blocks)}
            call, named = find_call("POST", "/v1/pages")
            return str(call(self.world, body, {}, **named)["id"])

    def edit(self, page: str, properties: Object | None = None, blocks: Iterable[Object] = ()) -> None:
        """Somebody changes a page's values, or writes more."""
        with self.world.lock:
            found = self.world.pages[page]
            schema = self.world.sources[found["parent"]["data_source_id"]]["properties"]
            found["properties"].update(checking.values(properties or {}, schema))
            self.world.append(page, checking.blocks(list(blocks)))
            self.world.touch(found)

    def throw_away(self, page: str, *, in_trash: bool = True) -> None:
        """Somebody throws a page away, or takes it out of the trash."""
        with self.world.lock:
            self.world.trash(self.world.pages[page], in_trash=in_trash)

    def rows(self, title: str) -> list[Object]:
        """The pages of a table that are not in the trash, values as plain words and numbers, with their `id`."""
        with self.world.lock:
            source = next(
                key
                for key, one in self.world.sources.items()
                if not one["in_trash"] and checking.plain(one["title"]) == title
            )
            found = [self.world.pages[page] for page in self.world.rows[source]]
            return [{"id": page["id"], **_plain(page)} for page in found if not page["in_trash"]]

    def source_id(self, title: str) -> str:
        """The data source of a table."""
        with self.world.lock:
            return next(
                key
                for key, one in self.world.sources.items()
                if not one["in_trash"] and checking.plain(one["title"]) == title
            )

    def everything(self) -> str:
        """All that it was ever told and still knows, as text."""
        with self.world.lock:
            kept = [self.world.pages, self.world.databases, self.world.sources, self.world.blocks]
            asked = [[one.method, one.path, one.body] for one in self.requests]
            return json.dumps([kept, asked], ensure_ascii=False)

    # Answering ------------------------------------------------------------------------------------------------------
    def answer(self, method: str, address: str, headers: dict[str, str], raw: bytes) -> Reply | None:
        """The reply to one request; None where the connection is to break."""
        parts = urlsplit(address)
        if not parts.path.startswith("/v1/"):
            return self._show(method, parts.path)
        try:
            self._check(headers)
            body = checking.body_of(raw)
        except FakeError as error:
            return _as_json(error.status, error.body)
        with self.world.lock:
            self.requests.append(Request(method, parts.path, body))
            fault = self._fault(method, parts.path)
        if fault and not fault.after_effect:
            return _of(fault)
        with self.world.lock:
            try:
                call, named = find_call(method, parts.path)
                reply = _as_json(200, call(self.world, body, dict(parse_qsl(parts.query)), **named))
            except FakeError as error:
                reply = _as_json(error.status, error.body)
        return _of(fault) if fault and reply.status == 200 else reply

    def _fault(self, method: str, path: str) -> Fault | None:
        for place, fault in enumerate(self.faults):
            if fault.path in path and fault.method in ("", method):
                return self.faults.pop(place)
        happens = self.trouble.next() if self.trouble else ""
        if happens in ("refused", "limited") and self.trouble:
            return Fault(429, "rate_limited", retry_after=self.trouble.retry_after)
        return Fault(after_effect=happens == "failed_after") if happens else None

    def _check(self, headers: dict[str, str]) -> None:
        if not hmac.compare_digest(headers.get("authorization", "").encode(), f"Bearer {self.token}".encode()):
            raise FakeError(401, "unauthorized", "API token is invalid.")
        if headers.get("notion-version") not in VERSIONS:
            raise FakeError(400, "missing_version", "Notion-Version header failed validation.")

    def _show(self, method: str, path: str) -> Reply:
        if method != "GET" or path != "/":
            return Reply(404, b"Nothing is here.", {"Content-Type": "text/plain"})
        with self.world.lock:
            return Reply(200, overview(self.world).encode(), _PAGE_HEADERS)


def _plain(page: Object) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in page["properties"].items():
        told = value[value["type"]]
        if value["type"] in ("title", "rich_text"):
            told = checking.plain(told)
        elif isinstance(told, dict):
            told = told.get("name") or told.get("start")
        found[name] = told
    return found


def _as_json(status: int, body: Object) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json; charset=utf-8"})


def _of(fault: Fault) -> Reply | None:
    if fault.hang_up:
        return None
    words = "You have been rate limited. Please try again in a few minutes." if fault.status == 429 else "Fault"
    reply = _as_json(fault.status, FakeError(fault.status, fault.code, words).body)
    if fault.retry_after is not None:
        reply.headers["Retry-After"] = str(fault.retry_after)
    return reply
