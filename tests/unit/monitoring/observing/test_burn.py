"""Burn rates: alarms where an allowance is used up too fast, silence at night."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.monitoring.observing.burn import FILLED, RULES, Counts, fastest, judge, percentile, rate_of

FEW = {"known_for": timedelta(days=4), "fewest": 50, "fewest_bad": 5}
WINDOWS = sorted({window for rule in RULES for window in (rule.long, rule.short)})


def steady(per_minute: float, share: float, since: timedelta = timedelta(days=4)):
    """So many requests a minute, of which this share is bad since then."""

    def counts(window: timedelta) -> Counts:
        minutes = window.total_seconds() / 60
        bad_minutes = min(minutes, since.total_seconds() / 60)
        return Counts(round(per_minute * minutes), round(per_minute * bad_minutes * share))

    return counts


def named(judgement) -> str:
    return judgement.alarm.name if judgement.alarm else ""


@pytest.mark.parametrize(
    ("share", "since", "wanted"),
    [
        (0.0, timedelta(days=4), ""),
        (0.0009, timedelta(days=4), ""),  # within the allowance
        (0.0011, timedelta(days=4), "3d"),
        (0.007, timedelta(days=4), "6h"),
        (0.02, timedelta(days=4), "1h"),
        (1.0, timedelta(minutes=1), "1h"),  # all of a minute: a minute of an hour is 1.7 % of it
        (0.05, timedelta(minutes=5), ""),  # too short to matter
        (0.5, timedelta(minutes=10), "1h"),
    ],
)
def test_what_is_told_of_an_availability_of_three_nines(share, since, wanted):
    assert named(judge(steady(600, share, since), 0.999, **FEW)) == wanted


@pytest.mark.parametrize("rule", RULES, ids=[rule.name for rule in RULES])
def test_a_window_is_judged_once_it_is_half_filled(rule):
    trouble = steady(600, rule.rate * 0.0011)  # a tenth more than the rule bears
    too_short = judge(trouble, 0.999, **FEW | {"known_for": rule.long * FILLED - timedelta(minutes=1)})
    assert (named(too_short) != rule.name, too_short.rates[rule.name]) == (True, None)
    assert named(judge(trouble, 0.999, **FEW | {"known_for": rule.long * FILLED})) == rule.name


def test_it_ends_soon_after_the_trouble_does():
    trouble = steady(600, 0.5, timedelta(minutes=30))

    def over(window: timedelta) -> Counts:
        found = trouble(window)
        return Counts(found.total, 0) if window == timedelta(minutes=5) else found

    assert named(judge(trouble, 0.999, **FEW)) == "1h"
    assert named(judge(over, 0.999, **FEW)) != "1h"


@pytest.mark.parametrize("target", [0.95, 0.99, 0.999, 0.99999])
@pytest.mark.parametrize("total", [1, 10, 49, 50, 400])
def test_one_slow_call_alarms_nobody(target, total):
    def counts(window: timedelta) -> Counts:
        return Counts(total, 1)

    assert judge(counts, target, **FEW).alarm is None


def test_a_low_target_can_be_missed_too():
    """Of 95 % even everything bad burns at 20: 14.4 would be 72 % bad."""
    assert fastest(0.95) == pytest.approx(20)
    assert named(judge(steady(100, 0.6), 0.95, **FEW)) == "1h"
    assert named(judge(steady(100, 0.31), 0.95, **FEW)) == "6h"
    assert named(judge(steady(100, 0.06), 0.95, **FEW)) == "3d"
    assert named(judge(steady(100, 0.04), 0.95, **FEW)) == ""


@given(
    st.floats(0.5, 0.99999),
    st.dictionaries(st.sampled_from(WINDOWS), st.tuples(st.integers(0, 10_000), st.integers(0, 10_000))),
)
def test_more_bad_ones_never_make_it_better(target, series):
    def counts(more: int):
        def of(window: timedelta) -> Counts:
            total, bad = series.get(window, (0, 0))
            return Counts(total, min(total, bad + more))

        return of

    order = ["", *(rule.name for rule in reversed(RULES))]
    before, after = (named(judge(counts(more), target, **FEW)) for more in (0, 500))
    assert order.index(after) >= order.index(before)
    for name, rate in judge(counts(0), target, **FEW).rates.items():
        total, bad = series.get(next(rule.long for rule in RULES if rule.name == name), (0, 0))
        assert rate is None if total < 50 else rate == pytest.approx(min(bad, total) / total / (1 - target))


def test_nothing_is_no_rate():
    assert rate_of(Counts(0, 0), 0.99) is None
    assert judge(lambda _window: Counts(0, 0), 0.99, **FEW).rates == {"1h": None, "6h": None, "3d": None}


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=200))
def test_the_percentile_lies_between_the_bounds_of_the_true_one(times):
    bounds = (50, 100, 200, 500, 1000, 3000)
    over = [(bound, sum(one > bound for one in times)) for bound in bounds]
    found = percentile(len(times), over, 0.95)
    allowed = len(times) * 0.05
    within = next((bound for bound, longer in over if longer <= allowed), 3000)
    below = max((bound for bound, longer in over if longer > allowed), default=0)
    assert below <= found <= max(within, below)
    assert percentile(0, [], 0.95) is None
