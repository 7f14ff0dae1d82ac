"""From looks to alarms: twice in a row, within two intervals, once; who can't be known is not called dead."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.monitoring.watchdog.judging import Change, Judge, Look

I = 15.0  # noqa: E741 - the interval
THINGS = ["beat", "worker", "web_down", "redis_down", "database_down"]
OK = {"database_down": "", "redis_down": "", "web_down": ""}


class World:
    """Processes that give signs every third second while they live, and services that answer while they are up."""

    def __init__(self, **options: Any) -> None:
        self.judge = Judge(I, **options)
        self.at, self.beats, self.dead, self.down = 1000.0, {"beat": 0, "worker": 0, "task": 0}, set(), set()
        self.told: list[tuple[str, str]] = []

    def pass_time(self, seconds: float) -> None:
        self.at += seconds
        for name in self.beats.keys() - self.dead:
            self.beats[name] += int(seconds // 3) or 1

    def look(self, after: float = I) -> list[Change]:
        self.pass_time(after)
        errors = {code: "refused" if code in self.down else "" for code in OK}
        signs = {name: ((f"{name}@host", beats),) for name, beats in self.beats.items()}
        changes = self.judge.judge(Look(self.at, errors, None if "database_down" in self.down else signs))
        self.told += [(change.code, "over" if change.over else "began") for change in changes]
        return changes

    def settle(self) -> "World":
        for _look in range(6):
            self.look()
        assert self.told == []
        return self


def test_a_service_is_down_when_it_failed_twice_and_that_is_told_once() -> None:
    world = World().settle()
    world.down = {"web_down"}
    world.look()
    assert world.told == []
    assert world.judge.doubts, "it is looked at again soon"
    world.look(I / 2)
    assert world.told == [("web_down", "began")]
    for _look in range(20):
        world.look()
    world.down = set()
    world.look()
    world.look()
    assert world.told == [("web_down", "began"), ("web_down", "over")]


def test_one_failed_look_is_nothing() -> None:
    world = World().settle()
    for _time in range(5):
        world.down = {"database_down"}
        world.look()
        world.down = set()
        world.look()
    assert world.told == []


def test_a_dead_beat_is_not_the_workers_fault_and_a_dead_worker_not_beats() -> None:
    for dead, code in (("beat", "beat_down"), ("worker", "worker_down")):
        world = World().settle()
        world.dead = {dead, "task"}
        for _look in range(20):
            world.look()
        world.dead = set()
        world.look()
        assert world.told == [(code, "began"), (code, "over")]


def test_without_database_or_redis_beat_and_worker_are_unknown_and_have_a_grace_after() -> None:
    for service in ("database_down", "redis_down"):
        world = World().settle()
        world.down, world.dead = {service}, {"beat", "worker", "task"}
        for _look in range(40):
            world.look()
        world.down = set()
        world.look()
        world.look(I / 2)  # they still come back
        world.dead = set()
        for _look in range(5):
            world.look()
        assert world.told == [(service, "began"), (service, "over")]


def test_who_does_not_come_back_with_the_database_is_dead_after_all() -> None:
    world = World().settle()
    world.down = {"database_down"}
    for _look in range(3):
        world.look()
    world.down, world.dead = set(), {"worker", "task"}
    for _look in range(4):
        world.look()
    assert world.told == [("database_down", "began"), ("database_down", "over"), ("worker_down", "began")]


def test_an_open_alarm_outlives_an_outage_of_the_database() -> None:
    world = World().settle()
    world.dead = {"worker", "task"}
    world.look()
    world.look()
    world.down = {"database_down"}
    for _look in range(5):
        world.look()
    world.down = set()
    for _look in range(5):
        world.look()
    world.dead = set()
    world.look()
    said = [code for code, _state in world.told]
    assert said == ["worker_down", "database_down", "database_down", "worker_down"]


def test_what_starts_with_the_watchdog_has_a_minute() -> None:
    world = World()
    world.dead, world.down = {"beat", "worker", "task"}, {"web_down"}
    for _look in range(4):
        world.look()
    assert world.told == []
    for _look in range(4):
        world.look()
    assert {code for code, _state in world.told} == {"beat_down", "worker_down", "web_down"}


def test_a_watchdog_that_was_stopped_blames_nobody() -> None:
    world = World().settle()
    world.dead = {"beat", "worker", "task"}  # the whole machine was asleep
    world.look(3600)
    world.dead = set()
    world.look()
    world.look()
    assert world.told == []


def test_a_new_watchdog_neither_repeats_an_alarm_nor_forgets_its_end() -> None:
    world = World(is_open={"worker_down", "redis_down"})
    world.dead, world.down = {"worker", "task"}, {"redis_down"}
    for _look in range(10):
        world.look()
    assert world.told == []
    world.dead, world.down = set(), set()
    for _look in range(5):
        world.look()
    assert sorted(world.told) == [("redis_down", "over"), ("worker_down", "over")]


def test_one_of_several_workers_is_enough() -> None:
    judge = Judge(I)
    for number in range(8):
        signs = {"worker": (("a", 5), ("b", number)), "beat": (("h", number),), "task": (("", number),)}
        assert judge.judge(Look(1000 + number * I, OK, signs)) == []


def test_tasks_that_stand_still_are_told_when_everybody_lives() -> None:
    world = World().settle()
    world.dead = {"task"}
    for _look in range(6):
        world.look()
    assert world.told == [("tasks_stuck", "began")]
    world.dead = set()
    world.look()
    assert world.told[-1] == ("tasks_stuck", "over")


def test_without_redis_nothing_is_said_of_it() -> None:
    judge = Judge(I)
    assert judge.judge(Look(0, {"database_down": "", "web_down": ""}, {})) == []


@settings(max_examples=150, deadline=None)
@given(st.floats(0.01, 0.99), st.sampled_from(THINGS))
def test_whenever_it_happens_it_is_told_within_two_intervals(moment: float, what: str) -> None:
    world = World().settle()
    world.pass_time(moment * I)  # since the last look, alive
    died = world.at
    (world.dead if what in world.beats else world.down).add(what)
    world.dead |= {"task"}
    world.look((1 - moment) * I)
    while not world.told:
        assert world.at - died < 2 * I
        world.look(I / 2 if world.judge.doubts else I)
    assert world.told == [(what if what.endswith("down") else f"{what}_down", "began")]
    assert world.at - died <= 2 * I


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["beat", "worker", "web_down", "redis_down", "database_down"]), st.booleans()))
)
def test_whatever_happens_beginnings_and_ends_take_turns(happenings: list[tuple[str, bool]]) -> None:
    world = World().settle()
    for what, up in happenings:
        place = world.dead if what in world.beats else world.down
        (place.discard if up else place.add)(what)
        world.look()
    world.dead, world.down = set(), set()
    for _look in range(6):
        world.look()
    for code in {code for code, _state in world.told}:
        states = [state for told, state in world.told if told == code]
        assert states == ["began", "over"] * (len(states) // 2)
    assert not world.judge.is_open
