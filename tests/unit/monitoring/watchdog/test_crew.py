"""One of several workers dies: it is missed until it is back or replaced. Who says goodbye is not missed."""

from hypothesis import given
from hypothesis import strategies as st

from apps.monitoring.watchdog.crew import Crew
from apps.monitoring.watchdog.judging import Change, Judge, Look

I = 15.0  # noqa: E741 - the interval
OK = {"database_down": "", "redis_down": "", "web_down": ""}


class Yard:
    """Workers that show that they live, as rows of signs: who is killed leaves his row behind."""

    def __init__(self, *names: str, lost: bool = False) -> None:
        self.crew, self.at = Crew(I, lost), 1000.0
        self.rows = dict.fromkeys(names, 1)
        self.living, self.begun = set(names), 0

    def come(self, *names: str) -> None:
        self.begun += 1
        for name in names:
            self.rows.setdefault(name, 1000 * self.begun)
        self.living |= set(names)

    def kill(self, *names: str) -> None:
        self.living -= set(names)

    def leave(self, *names: str) -> None:
        self.kill(*names)
        for name in names:
            del self.rows[name]

    def look(self, after: float = I) -> list[str] | None:
        self.at += after
        for name in self.living:
            self.rows[name] += 5
        return self.crew.missing(self.rows.items(), self.at)

    def settle(self) -> "Yard":
        self.look()
        assert [self.look() for _look in range(3)] == [[], [], []]
        return self


def test_who_is_killed_is_missing_until_he_is_back() -> None:
    yard = Yard("a", "b").settle()
    yard.kill("b")
    assert [yard.look() for _look in range(3)] == [["b"]] * 3
    yard.come("b")
    assert yard.look() == []


def test_who_is_replaced_is_missed_no_more_and_his_old_row_never_again() -> None:
    yard = Yard("a", "b").settle()
    yard.kill("b")
    yard.look()
    yard.come("c")
    yard.look()
    assert [yard.look() for _look in range(3)] == [[], [], []]
    yard.kill("c")
    assert yard.look() == ["c"], "and not b"


def test_who_says_goodbye_is_not_missed() -> None:
    yard = Yard("a", "b", "c").settle()
    yard.leave("b")
    assert [yard.look() for _look in range(3)] == [[], [], []]
    yard.kill("c")
    assert yard.look() == ["c"]


def test_when_nobody_lives_nothing_is_said_of_one() -> None:
    yard = Yard("a", "b").settle()
    yard.kill("a", "b")
    assert [yard.look() for _look in range(3)] == [None] * 3
    yard.come("a")
    assert yard.look() == ["b"]


def test_rows_of_those_who_were_dead_before_are_not_missed() -> None:
    yard = Yard("a", "old")
    yard.kill("old")
    yard.look()
    assert [yard.look() for _look in range(3)] == [[], [], []]


def test_an_outage_of_the_database_kills_nobody() -> None:
    yard = Yard("a", "b").settle()
    yard.at += 10 * I
    yard.crew.hold()
    assert [yard.look() for _look in range(3)] == [[], [], []]
    yard.crew.hold()
    yard.kill("b")
    assert [yard.look(), yard.look()] == [[], ["b"]]


def test_a_new_watchdog_keeps_the_alarm_that_is_open_and_knows_its_end() -> None:
    yard = Yard("a", "b", lost=True)
    yard.kill("b")
    assert [yard.look(I / 2), yard.look(I / 3)] == [None, None], "not compared yet"
    assert [yard.look(), yard.look()] == [["b"], ["b"]]
    yard.come("b")
    assert yard.look() == []
    healed = Yard("a", "b", lost=True)
    assert healed.look() is None
    assert healed.look() == []


def test_it_is_told_once_with_the_name_and_so_is_its_end() -> None:
    judge, said = Judge(I), list[Change]()
    for number in range(14):
        stands = min(number, 4) if number < 10 else number
        signs = {"worker": (("a", number), ("b", stands)), "beat": (("h", number),), "task": (("", number),)}
        said += judge.judge(Look(1000 + number * I, OK, signs))
    assert said == [Change("worker_lost", "Missing: b."), Change("worker_lost", over=True)]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["come", "kill", "leave"])), max_size=12))
def test_whatever_happens_a_whole_crew_misses_nobody(happenings: list[tuple[str, str]]) -> None:
    yard = Yard("a", "b").settle()
    for name, what in happenings:
        if what == "come" or (name in yard.rows and (what == "kill" or name in yard.living)):
            getattr(yard, what)(name)
        said = yard.look()
        assert not set(said or ()) & yard.living
    yard.come("a", "b", "c", "d")
    yard.look()
    assert yard.look() == []
