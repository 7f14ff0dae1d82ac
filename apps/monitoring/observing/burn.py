"""How fast an allowance is used up, over several windows at once: pure arithmetic.

An objective of 99.9 % allows one request in a thousand to be bad. A burn rate of 1 uses that up exactly, 14.4 uses up
in an hour 2 % of what 30 days allow. Each rule looks at a long window, so that little is not taken for much, and at a
short one, so that the alarm ends soon after the trouble does (Google's SRE workbook, “Alerting on SLOs”). Its
windows are full ones: of a window that is not at least half filled nothing is said, or a minute of an installation's
start would stand for three days.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from apps.core.kinds import Severity


@dataclass(frozen=True)
class Counts:
    """Requests of a window, and how many of them were bad."""

    total: int
    bad: int


@dataclass(frozen=True)
class Rule:
    """Alarm where both windows burn at least as fast as `rate`."""

    name: str
    long: timedelta
    short: timedelta
    rate: float
    severity: Severity


FILLED = 0.5  # the share of its long window that requests have to be known of, before a rule may judge

RULES = (
    Rule("1h", timedelta(hours=1), timedelta(minutes=5), 14.4, "critical"),
    Rule("6h", timedelta(hours=6), timedelta(minutes=30), 6.0, "critical"),
    Rule("3d", timedelta(days=3), timedelta(hours=6), 1.0, "warning"),
)


@dataclass(frozen=True)
class Judgement:
    """How each long window burns (None: too few requests or too little time to say), and what is to be done."""

    rates: dict[str, float | None]
    alarm: Rule | None

    @property
    def severity(self) -> str:
        """Of the alarm; empty for none."""
        return self.alarm.severity if self.alarm else ""


def rate_of(counts: Counts, target: float) -> float | None:
    """How fast a window burns; `target` is a share below 1."""
    return counts.bad / counts.total / (1 - target) if counts.total else None


def fastest(target: float) -> float:
    """The rate at which everything is bad: nothing burns faster."""
    return 1 / (1 - target)


def judge(
    counts: Callable[[timedelta], Counts], target: float, *, known_for: timedelta, fewest: int, fewest_bad: int
) -> Judgement:
    """Look at all windows. `counts(window)` counts back from now; before `known_for` nobody counted.

    A window that reaches much further back than that says nothing, nor does one with fewer than `fewest` requests, and
    no alarm is raised for fewer than `fewest_bad` in the short one: at night one slow call may be most of them. Where a
    target allows so much that a rule's rate can't be reached (95 % allows 5 %: all bad burns at 20), half of the
    fastest is its rate.
    """
    rates: dict[str, float | None] = {}
    alarm: Rule | None = None
    for rule in RULES:
        long, short = counts(rule.long), counts(rule.short)
        is_filled = known_for >= rule.long * FILLED
        burning = rate_of(long, target) if is_filled and long.total >= fewest else None
        rates[rule.name] = burning
        lately = rate_of(short, target)
        rate = min(rule.rate, fastest(target) / 2)
        if (
            alarm is None
            and burning is not None
            and lately is not None
            and burning >= rate
            and lately >= rate
            and short.bad >= fewest_bad
        ):
            alarm = rule
    return Judgement(rates, alarm)


def percentile(total: int, over: list[tuple[int, int]], share: float) -> int | None:
    """The value that `share` of the requests stay within, in milliseconds, between known bounds.

    `over` has (milliseconds, how many took longer), rising. Beyond the last bound it is told as that bound.
    """
    if not total:
        return None
    allowed = total * (1 - share)
    below, more = 0, total
    for bound, longer in over:
        if longer <= allowed:
            span = more - longer
            part = (more - allowed) / span if span else 0.0
            return round(below + (bound - below) * part)
        below, more = bound, longer
    return below
