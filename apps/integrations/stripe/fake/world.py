"""What exists in the fake Stripe: objects by kind and id, what happened to them, and what time it is there.

Whoever reads or writes holds `world.lock`; `atomic` holds it, keeps what was changed when its block ends and undoes it
when the block raises. Objects are plain dicts as Stripe shows them; names that begin with `_` are ours and never shown.
With a state file all of it survives a restart.
"""

import json
import secrets
import sqlite3
import string
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.integrations.stripe.fake.errors import FakeError, no_such

API_VERSION = "2026-08-26.dahlia"
Object = dict[str, Any]
Key = tuple[str, str]
_LETTERS = string.ascii_letters + string.digits
_STUCK = 10_000  # things that fall due at one moment; more can only be one that never gets done


@dataclass(frozen=True)
class Due:
    """Something that happens by itself: `at(world)` says when next (None: never), `happen(world)` does it then."""

    at: Callable[["World"], int | None]
    happen: Callable[["World"], None]


DUE: list[Due] = []


class World:
    """See above. `address` is where its pages are, `webhook_url` where its events go ("": nowhere)."""

    def __init__(self, state: Path | None = None, *, webhook_url: str = "") -> None:
        self.address = ""
        self.webhook_url = webhook_url
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.request: dict[str, str | None] = {"id": None, "idempotency_key": None}
        self._objects: dict[str, dict[str, Object]] = {}
        self._saved: dict[Key, str] = {}  # each object as it was last saved: what an undone block goes back to
        self._blocks: list[dict[Key, str | None]] = []  # for each open block, what it saw, as it was before
        self._unwritten: set[Key] = set()
        self._frozen: int | None = None
        self._file = _open(state) if state else None
        self._read()
        if not self.find("_clock"):
            self.add({"object": "_clock", "id": "clock", "offset": 0})

    # Objects --------------------------------------------------------------------------------------------------------
    def new_id(self, prefix: str) -> str:
        """An id nobody has yet."""
        return f"{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(24))}"

    def add(self, obj: Object) -> Object:
        """Let it exist. It has `object` and `id`; returned is itself."""
        self._kind(obj["object"])[obj["id"]] = obj
        self.save(obj)
        return obj

    def get(self, kind: str, object_id: str, param: str = "id", *, in_path: bool = False) -> Object:
        """The object itself: change it, then `save`. Refused as Stripe does where there is none."""
        obj = self._kind(kind).get(object_id)
        if obj is None:
            raise no_such(kind, object_id, param, in_path=in_path)
        self._note(kind, object_id)
        return obj

    def known(self, kind: str, object_id: str | None) -> Object | None:
        """The object or nothing."""
        return self.get(kind, object_id) if object_id and object_id in self._kind(kind) else None

    def find(self, kind: str, **equal: Any) -> list[Object]:
        """Those of a kind whose members are so, the oldest first."""
        found = [
            obj for obj in self._kind(kind).values() if all(obj.get(name) == value for name, value in equal.items())
        ]
        for obj in found:
            self._note(kind, obj["id"])
        return found

    def save(self, obj: Object) -> Object:
        """Keep what was changed."""
        key = (obj["object"], obj["id"])
        self._note(*key)
        self._saved[key] = json.dumps(obj)
        self._unwritten.add(key)
        if not self._blocks:
            self._write()
        return obj

    def update(self, obj: Object, event: str, **members: Any) -> Object:
        """Change these members and tell of it, if any is another now."""
        previous = {name: deepcopy(obj.get(name)) for name, value in members.items() if obj.get(name) != value}
        obj.update(members)
        self.save(obj)
        told = {name: value for name, value in previous.items() if not name.startswith("_")}
        if told:
            self.emit(event, obj, told)
        return obj

    def remove(self, obj: Object) -> None:
        """Let it exist no more."""
        key = (obj["object"], obj["id"])
        self._note(*key)
        del self._kind(key[0])[key[1]], self._saved[key]
        self._unwritten.add(key)
        if not self._blocks:
            self._write()

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All of a block or nothing of it. A `FakeError` that keeps its effects passes through without undoing."""
        with self.lock:
            before: dict[Key, str | None] = {}
            self._blocks.append(before)
            try:
                yield
            except BaseException as error:
                self._blocks.pop()
                if isinstance(error, FakeError) and error.keeps_effects:
                    self._settle(before)
                else:
                    self._undo(before)
                raise
            self._blocks.pop()
            self._settle(before)

    # What happened --------------------------------------------------------------------------------------------------
    def emit(self, type: str, obj: Object, previous: Object | None = None) -> Object:
        """Tell that something happened to an object, which is told of as it is now."""
        data: Object = {"object": shown(obj)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = self.add(
            {
                "id": self.new_id("evt"),
                "object": "event",
                "api_version": API_VERSION,
                "created": self.now(),
                "data": data,
                "livemode": False,
                "pending_webhooks": 1 if self.webhook_url else 0,
                "request": dict(self.request),
                "type": type,
            }
        )
        if self.webhook_url:
            self.add({"object": "_delivery", "id": event["id"], "attempts": 0, "due": 0.0})
            self.changed.notify_all()
        return event

    # Time -----------------------------------------------------------------------------------------------------------
    def now(self) -> int:
        """Seconds since 1970, there."""
        if self._frozen is not None:
            return self._frozen
        return int(time.time()) + int(self._objects["_clock"]["clock"]["offset"])

    def advance(self, to: int) -> None:
        """Let time pass. Whatever falls due until then happens in its order, each at its moment."""
        with self.atomic():
            if to < self.now():
                raise ValueError("Time only goes forward")
            clock = self.get("_clock", "clock")
            clock["offset"] += to - self.now()
            self.save(clock)
            self._let_happen(to)

    @property
    def skipped(self) -> int:
        """Seconds that people skipped at the pages. Callers' clocks did not move along, as theirs never do."""
        return int(self._objects["_clock"]["clock"].get("skipped", 0))

    def skip(self, to: int) -> None:
        """Let time pass here alone. What callers name from then on is as far from now as it is on their clocks."""
        with self.atomic():
            clock = self.get("_clock", "clock")
            before = clock["offset"]
            self.advance(to)
            clock["skipped"] = self.skipped + clock["offset"] - before
            self.save(clock)

    def go_back(self) -> None:
        """Take back what was skipped: it is as late here as elsewhere."""
        with self.atomic():
            clock = self.get("_clock", "clock")
            clock.update(offset=clock["offset"] - self.skipped, skipped=0)
            self.save(clock)

    def catch_up(self) -> None:
        """Do what fell due meanwhile: time passes by itself, too."""
        with self.lock:
            if any((at := due.at(self)) is not None and at <= self.now() for due in DUE):
                with self.atomic():
                    self._let_happen(self.now())

    def _let_happen(self, until: int) -> None:
        moment, times = -1, 0
        try:
            while True:
                waiting = [(at, due) for due in DUE if (at := due.at(self)) is not None and at <= until]
                if not waiting:
                    return
                at, due = min(waiting, key=lambda one: one[0])
                times = times + 1 if at == moment else 0
                if times > _STUCK:
                    raise RuntimeError(f"Something due at {at} is never done")
                moment = at
                self._frozen = max(at, self._frozen or 0)
                due.happen(self)
        finally:
            self._frozen = None

    # Keeping --------------------------------------------------------------------------------------------------------
    def close(self) -> None:
        """Let go of the state file."""
        with self.lock:
            if self._file:
                self._file.close()
                self._file = None

    def _kind(self, kind: str) -> dict[str, Object]:
        return self._objects.setdefault(kind, {})

    def _note(self, kind: str, object_id: str) -> None:
        if self._blocks:
            self._blocks[-1].setdefault((kind, object_id), self._saved.get((kind, object_id)))

    def _settle(self, before: dict[Key, str | None]) -> None:
        if self._blocks:
            for key, text in before.items():
                self._blocks[-1].setdefault(key, text)
        else:
            self._write()

    def _undo(self, before: dict[Key, str | None]) -> None:
        for key, text in before.items():
            if text is None:
                self._kind(key[0]).pop(key[1], None)
                self._saved.pop(key, None)
            else:
                obj = self._kind(key[0]).setdefault(key[1], {})
                obj.clear()  # the same dict: whoever holds it sees it as it was
                obj.update(json.loads(text))
                self._saved[key] = text
            self._unwritten.add(key)
        if not self._blocks:
            self._write()

    def _write(self) -> None:
        if self._file:
            with self._file:
                for key in self._unwritten:
                    if text := self._saved.get(key):
                        self._file.execute(
                            "INSERT INTO objects (kind, id, body) VALUES (?, ?, ?)"
                            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                            (*key, text),
                        )
                    else:
                        self._file.execute("DELETE FROM objects WHERE kind = ? AND id = ?", key)
        self._unwritten.clear()

    def _read(self) -> None:
        if self._file:
            for kind, object_id, body in self._file.execute("SELECT kind, id, body FROM objects ORDER BY place"):
                self._kind(kind)[object_id] = json.loads(body)
                self._saved[kind, object_id] = body


def shown(obj: Any) -> Any:
    """A copy as the outside may see it: without the members that are ours."""
    if isinstance(obj, dict):
        return {name: shown(value) for name, value in obj.items() if not name.startswith("_")}
    if isinstance(obj, list):
        return [shown(value) for value in obj]
    return deepcopy(obj)


def _open(state: Path) -> sqlite3.Connection:
    state.parent.mkdir(parents=True, exist_ok=True)
    file = sqlite3.connect(state, check_same_thread=False)
    file.execute("PRAGMA journal_mode = WAL")
    file.execute(
        "CREATE TABLE IF NOT EXISTS objects"
        " (place INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, id))"
    )
    return file
