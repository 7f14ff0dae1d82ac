"""The pace against a modelled Notion, in modelled time."""

import heapq
import random

import pytest

from apps.integrations.notion.pace import LONG_WAIT, MOST_RATE, Pace


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def take(limit: float, noise: float, calls: int, *, burst: float = 20.0) -> tuple[float, float]:
    """(times as long as the limit allows, share of refusals) for so many calls that all have to go through."""
    clock, chance = Time(), random.Random(1)
    pace = Pace(clock, clock.sleep)
    held, since, done, refused, asked = burst, 0.0, 0, 0, 0
    later: list[float] = []
    left = calls
    while done < calls:
        if later and later[0] <= clock.now:
            heapq.heappop(later)
        elif left:
            left -= 1
        else:
            clock.now = max(clock.now, later[0])
            continue
        pace.turn()
        asked += 1
        clock.now += 0.0002
        held, since = min(burst, held + (clock.now - since) * limit), clock.now
        if held < 1 or chance.random() < noise:
            refused += 1
            pace.answered(refused=True, retry_after=1)
            heapq.heappush(later, clock.now + 1)
        else:
            held -= 1
            done += 1
            pace.answered()
    return clock.now / (calls / limit), refused / asked


@pytest.mark.parametrize("limit", [3.0, 50.0, 200.0])
def test_it_finds_the_limit_and_stays_there(limit: float) -> None:
    times, refused = take(limit, 0.0, int(limit * 100))
    assert times < 1.15
    assert refused < 0.20


def test_refusals_by_chance_slow_it_down_little() -> None:
    times, refused = take(200.0, 0.10, 10_000)
    assert times < 1.15
    assert refused < 0.20


def test_calls_are_spread_and_not_bunched() -> None:
    clock = Time()
    pace = Pace(clock, clock.sleep)
    clock.now = 100.0
    for _call in range(12):
        pace.turn()
    assert clock.now >= 100.9  # ten a second at first


def test_when_nothing_goes_through_everybody_waits() -> None:
    clock = Time()
    pace = Pace(clock, clock.sleep)
    for _call in range(12):
        pace.turn()
        clock.now += 0.2
        pace.answered(refused=True, retry_after=5)
    before = clock.now
    pace.turn()
    assert clock.now >= before + 4


def test_a_long_wait_is_everybodys() -> None:
    clock = Time()
    pace = Pace(clock, clock.sleep)
    pace.turn()
    pace.answered(refused=True, retry_after=LONG_WAIT)
    pace.turn()
    assert clock.now >= LONG_WAIT


def test_few_calls_say_nothing_of_the_limit() -> None:
    """Whoever has little to ask is not slower afterwards for it, and nobody asks without end."""
    clock = Time()
    pace = Pace(clock, clock.sleep)
    for _call in range(100):
        pace.turn()
        pace.answered()
        clock.now += 2
    assert pace.rate == 10.0
    for _call in range(30_000):
        pace.turn()
        pace.answered()
    assert 10.0 < pace.rate <= MOST_RATE
