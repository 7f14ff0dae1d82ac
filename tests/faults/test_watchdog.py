"""Beat, worker, Redis and database die in turn: the alarm comes in time, in its channel, once, and so does its end.

Nothing starts the dead again by itself here. The watchdog is killed too, while an alarm is open.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.common.counting_server import Call, CountingServer
from tests.common.platform import Platform, RedisServer, running_platform
from tests.common.postgres_server import PostgresServer
from tests.common.processes import eventually

INTERVAL = 2.0
SLACK = 1.5  # for a machine that does other things too
BACK_WITHIN = 20.0


class Watched:
    """A platform with its own services, its watchdog, and a catcher for what that says."""

    def __init__(
        self, platform: Platform, catcher: CountingServer, redis: RedisServer, postgres: PostgresServer
    ) -> None:
        self.platform, self.catcher, self.redis, self.postgres = platform, catcher, redis, postgres
        self.watchdog = platform.program("watchdog", "python", "-m", "levqor.watchdog")
        self.seen = 0

    def said(self, channel: str = "alarms") -> list[tuple[str, str]]:
        """What a channel got so far: (code, state)."""
        return [_what(call) for call in self.catcher.calls() if call.path == f"/{channel}"]

    def hears(self, code: str, state: str, since: float, within: float) -> float:
        """The next thing that the channel hears. Returns the seconds since a moment."""
        expected = self.seen + 1
        eventually(
            lambda: len(self.said()) >= expected, within, f"{code} {state}\n{self.watchdog.tail(20)}", every=0.02
        )
        took = time.monotonic() - since
        assert self.said()[self.seen] == (code, state), (self.said(), self.watchdog.tail(20))
        self.seen = expected
        return took

    def is_quiet(self, looks: int = 2) -> None:
        """Nothing more is said while the watchdog looks so many times."""
        time.sleep(looks * INTERVAL)
        assert len(self.said()) == self.seen, (self.said(), self.watchdog.tail(20))


def _what(call: Call) -> tuple[str, str]:
    data = call.body["data"]
    return data["code"], data["state"]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """Everything runs and has been seen to live; channels in the database, and no other."""
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer(tmp_path / "postgres"))
        redis = RedisServer(tmp_path / "redis").start()
        stack.callback(redis.program.stop)
        catcher = stack.enter_context(CountingServer())
        settings = {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "WATCHDOG_SECONDS": str(INTERVAL),
            "OUTBOUND_ALLOWED_HOSTS": catcher.host,
        }
        platform, _redis = stack.enter_context(running_platform(tmp_path / "platform", services=False, **settings))
        platform.call("tests.faults.watchdog_actions:make_channels", url=catcher.url)
        found = Watched(platform, catcher, redis, postgres)
        for program in (platform.web(), platform.beat(), platform.worker(concurrency=4)):
            program.start()
        found.watchdog.start()
        yield found


@pytest.mark.timeout(200)
def test_each_death_is_told_once_in_time_and_so_is_its_end(watched: Watched) -> None:
    platform, redis, postgres = watched.platform, watched.redis, watched.postgres
    programs = platform.programs

    def ask(name: str) -> Any:
        return platform.call(f"tests.faults.watchdog_actions:{name}")

    eventually(lambda: ask("all_live"), 60, f"all live\n{programs['worker'].tail(5)}{programs['beat'].tail(5)}")
    eventually(lambda: (platform.folder / "watchdog" / "channels").exists(), 60, "the watchdog knows the channels")
    watched.is_quiet(1)
    took: dict[str, float] = {}

    for name, code in (("beat", "beat_down"), ("worker", "worker_down")):
        took[name] = _dies_and_returns(watched, code, programs[name].kill, programs[name].start)
        if name == "worker":
            eventually(lambda: ask("alerts"), 20, "it is in the history")

    took["one of two workers"] = _one_of_two_workers_dies(watched)
    took["redis"] = _dies_and_returns(watched, "redis_down", redis.program.kill, redis.start)

    killed = time.monotonic()
    postgres.crash()
    took["database"] = watched.hears("database_down", "began", killed, 2 * INTERVAL + SLACK)
    watched.watchdog.wait_until("code=database_down phase=began", 5)  # it is noted: a kill before may tell it twice
    watched.watchdog.kill()
    watched.watchdog.start()
    watched.is_quiet(2)  # the new one knows that it was told
    for name in ("beat", "worker"):
        programs[name].stop()
        programs[name].start()
    postgres.start()
    watched.hears("database_down", "over", time.monotonic(), BACK_WITHIN)
    eventually(lambda: len(ask("alerts")) == 5, 30, f"all are in the history:\n{watched.watchdog.tail(20)}")
    watched.is_quiet(2)

    codes = ("beat_down", "database_down", "redis_down", "worker_down", "worker_lost")
    assert sorted(ask("alerts")) == [[code, True, 0] for code in codes], "over, and sent by the watchdog alone"
    workers = [(code, state) for code in ("worker_down", "worker_lost") for state in ("began", "over")]
    assert watched.said("work") == workers, "its own, once, and no other"
    assert watched.said("nights") == []
    words = "".join(file.read_text() for file in (platform.folder / "watchdog").iterdir())
    assert watched.catcher.host not in words, "no address is readable on the disk"
    print("\nalarm after: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items()))  # noqa: T201


def _one_of_two_workers_dies(watched: Watched) -> float:
    second = watched.platform.worker("second", concurrency=2)
    second.start()
    eventually(lambda: watched.platform.call("tests.faults.watchdog_actions:workers") == 2, 30, second.tail(5))
    watched.is_quiet(3)  # it is seen to live
    took = _dies_and_returns(watched, "worker_lost", second.kill, second.start)
    watched.is_quiet(2)
    second.stop()
    watched.is_quiet(3)  # it said goodbye
    return took


def _dies_and_returns(watched: Watched, code: str, kill: Callable[[], object], start: Callable[[], object]) -> float:
    killed = time.monotonic()
    kill()
    took = watched.hears(code, "began", killed, 2 * INTERVAL + SLACK)
    watched.is_quiet(1)
    start()
    watched.hears(code, "over", time.monotonic(), BACK_WITHIN)
    return took
