"""Counting what is asked of Redis: each command that a client of this process sends, a script as one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from redis import Redis


@contextmanager
def redis_commands() -> Iterator[list[str]]:
    """The names of the commands that are sent inside of the block, in their order."""
    sent: list[str] = []
    execute = Redis.execute_command

    def note(self: Any, *args: Any, **options: Any) -> Any:
        sent.append(str(args[0]))
        return execute(self, *args, **options)

    with patch.object(Redis, "execute_command", note):
        yield sent
