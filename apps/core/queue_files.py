"""The queue of an embedded installation: kombu's filesystem transport, made safe for several processes.

Kombu's own writes messages in place, so that a worker may read one that is half written, which ends the worker. Here a
message appears complete (written aside, then renamed) and belongs to whoever removes its file.
"""

import json
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

import structlog
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

log = structlog.get_logger(__name__)


class Channel(filesystem.Channel):
    """Messages are files `<nanoseconds>_<uuid>.<queue>.msg` in one folder, the oldest first."""

    def _put(self, queue: str, message: Any, **_options: Any) -> None:  # type: ignore[override] # kombu passes options too
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, dumps(message))

    def _get(self, queue: str, timeout: Any = None) -> Any:
        """The oldest message of the queue. Raises `Empty`."""
        folder, ending = Path(self.data_folder_in), f".{queue}.msg"
        for name in sorted(name for name in os.listdir(folder) if name.endswith(ending)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue  # the message of a queue whose name ends like this one's
            try:
                text = (folder / name).read_text()
                (folder / name).unlink()
            except FileNotFoundError:
                continue  # another worker was quicker
            try:
                return loads(text)
            except json.JSONDecodeError:
                log.exception("queue_message_unreadable", file=name)
        raise Empty

    def get_table(self, exchange: str) -> list[filesystem.exchange_queue_t]:
        """Which queues an exchange feeds."""
        try:
            text = self._exchange_file(exchange).read_text()
        except FileNotFoundError:
            return []
        return [filesystem.exchange_queue_t(*entry) for entry in loads(text)]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        entry = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        self._change_table(exchange, lambda table: table if entry in table else [entry, *table])

    def _delete(self, queue: str, exchange: str, routing_key: str, pattern: str, *_args: Any, **_options: Any) -> None:
        self._purge(queue)
        entry = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        self._change_table(exchange, lambda table: [other for other in table if other != entry])

    def _change_table(self, exchange: str, change: Any) -> None:
        self.control_folder.mkdir(exist_ok=True)
        with (self.control_folder / ".lock").open("w") as only_one:
            filesystem.lock(only_one, filesystem.LOCK_EX)
            table = self.get_table(exchange)
            changed = change(table)
            if changed != table:
                _write_whole(self._exchange_file(exchange), dumps(changed))


class Transport(filesystem.Transport):
    """What `files://` in the broker's URL stands for."""

    Channel = Channel
    polling_interval = 0.1  # seconds; kombu's own second would be felt in every run that somebody starts and watches


def _write_whole(path: Path, text: str) -> None:
    """The file appears with all of its text at once."""
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    aside.write_text(text)
    aside.rename(path)
