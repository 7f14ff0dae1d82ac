"""Which gate is asked: Redis where there is one, and while it is away the database.

While Redis is away the same limits hold, counted by the database, for as long as it takes. What that can let pass
beyond them: one full bucket of calls a minute (the database's begins full), and the calls of the last second, which are
still on their way from Redis; and, while some processes know that it is back and others do not yet, what those others
let pass until the next tick (5 s). Nobody is refused for the outage itself. Back, Redis is first told which credentials
changed meanwhile and which of its counters to begin anew.

What Redis was asked and did not answer in time it may have counted: such a call is counted by both. Those are at most
the calls in flight when it went away.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from redis.exceptions import RedisError

from apps.core import versions
from apps.core.outage import REDIS
from apps.core.redis_client import redis_client
from apps.usage.gate.counter import forget_stale
from apps.usage.gate.database_gate import DatabaseGate
from apps.usage.gate.port import Call, Counted, Gate, Verdict
from apps.usage.gate.redis_gate import RedisGate
from apps.usage.periods import Period

AnswerT = TypeVar("AnswerT")
CATCH_UP_TASK = "usage.catch_up"


class EitherGate:
    """The gates of this process."""

    def __init__(self) -> None:
        self._database = DatabaseGate()
        self._redis: dict[int, RedisGate] = {}
        self._behind = False  # whether this process passed by a Redis that may not know of it

    def ask(self, work: Callable[[Gate], AnswerT]) -> AnswerT:
        """What `work` makes of the gate in Redis, else of the one in the database. It may be called with both."""
        client = redis_client()
        if client is None:
            return work(self._database)
        if REDIS.worth_trying():
            try:
                if self._behind:
                    client.ping()  # a Redis that stands still does later what it is told now: nothing that counts
                    catch_up()
                    self._behind = False
                answer = work(self._gate(client))
            except (RedisError, OSError) as error:
                REDIS.began(error)
            else:
                REDIS.ended()
                return answer
        self._behind = True
        return work(self._database)

    def take_back(self, call: Call, verdict: Verdict) -> None:
        """Take back where it was counted. What Redis counted and cannot take back now, the database does."""
        if verdict.in_redis:
            self.ask(lambda gate: gate.take_back(call, verdict))
        else:
            self._database.take_back(call, verdict)

    def counted(self, organization_id: UUID, period: Period) -> Counted:
        """What was counted so far."""
        return self.ask(lambda gate: gate.counted(organization_id, period))

    def _gate(self, client: Any) -> RedisGate:
        if id(client) not in self._redis:
            self._redis = {id(client): RedisGate(client)}
        return self._redis[id(client)]


def catch_up() -> None:
    """Tell Redis what happened while it was away. Raises `RedisError`, `OSError`."""
    versions.strike_noted()
    forget_stale()


gate = EitherGate()
