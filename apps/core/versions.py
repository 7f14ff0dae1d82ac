"""Whether what a process remembers of some rows is still so, told by Redis in one look.

A version is a random word in Redis that stands for what the database says now. Who remembers something notes the
versions of what it was made of, *before* reading the rows; a later look that finds the same words finds the same rows.
Who changes such rows calls `changed` in the same transaction: the version is struck before the commit, and again after
it. Struck, a version cannot be made anew for `BLOCKED_SECONDS`, so that nobody remembers what was true just before the
commit, even if the writer is killed right after it. That is exact for transactions which end within that time. What is
struck while Redis is away holds from its return on, or from the next tick (2 s) where the writer alone was cut off.
"""

import secrets
from collections.abc import Iterable, Sequence

from django.db import transaction
from redis.exceptions import RedisError

from apps.core.models import StruckVersion
from apps.core.outage import REDIS
from apps.core.redis_client import redis_client, redis_key

TICK_TASK = "core.strike_versions"
BLOCKED_SECONDS = 30
KEPT_SECONDS = 3600
BATCH = 500
BLOCKED = ""

# One word each: as it is, or made now; none where it was struck a moment ago. A word begins with the life of the server
# in which it was made: one that Redis read from its file when it was started may have been struck in the second that
# the file lacks.
_LOOK = """
local life = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local found = {}
for i, key in ipairs(KEYS) do
  local word = redis.call('GET', key)
  if not word or (word ~= '' and string.sub(word, 1, #life) ~= life) then
    word = life .. ARGV[i + 1]
    redis.call('SET', key, word, 'EX', ARGV[1])
  end
  found[i] = word
end
return found
"""


def version_key(name: str) -> str:
    """Where the version called `name` stands in Redis."""
    return redis_key("version", name)


def look(names: Sequence[str]) -> list[str]:
    """The versions, made where there are none. `BLOCKED` says: do not remember. Raises `RedisError`, `OSError`."""
    client = redis_client()
    if client is None:
        return [BLOCKED for _name in names]
    fresh = [secrets.token_urlsafe(9) for _name in names]
    found: list[str] = client.eval(_LOOK, len(names), *map(version_key, names), str(KEPT_SECONDS), *fresh)
    return found


def changed(*names: str) -> None:
    """Call before rows are changed, in the transaction that changes them: nobody goes by what they said before.

    Where Redis is away, rows remember it until it is back.
    """
    if redis_client() is None or not names:
        return
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("versions.changed() belongs into the transaction that changes the rows")
    _strike_or_note(names)
    transaction.on_commit(lambda: _strike_or_note(names))


def strike_noted() -> int:
    """Strike what could not be struck while Redis was away. Returns how many. Raises `RedisError`, `OSError`."""
    struck = 0
    if redis_client() is None:
        return struck
    while rows := list(StruckVersion.objects.order_by("pk")[:BATCH]):
        _strike([row.name for row in rows])
        struck += StruckVersion.objects.filter(pk__in=[row.pk for row in rows]).delete()[0]
    return struck


def _strike_or_note(names: Sequence[str]) -> None:
    try:
        if REDIS.worth_trying():
            _strike(names)
            REDIS.ended()
            return
    except (RedisError, OSError) as error:
        REDIS.began(error)
    StruckVersion.objects.bulk_create(StruckVersion(name=name) for name in names)


def _strike(names: Iterable[str]) -> None:
    client = redis_client()
    if client is None:
        return
    with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.set(version_key(name), BLOCKED, ex=BLOCKED_SECONDS)
        pipe.execute()
