"""From what processes tally in memory (`apps.core.tallies`) to Prometheus' series, which all of them share."""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from apps.core.tallies import Tally, Timed, Timing, tallies

REGISTRY = CollectorRegistry()  # of this process alone: what is shown is read from all processes' files
_series: dict[str, Any] = {}


def hand_over(tally: "Tally | Timing") -> Any:
    """Add what was tallied since the last time to its series. Returns what it was."""
    found = tally.fetch()
    for values, counted in found.items():
        if isinstance(tally, Timing):
            assert isinstance(counted, Timed)  # noqa: S101 - what a Timing fetches
            _add_times(_histogram(tally), values, counted)
        else:
            counter = _counter(tally)
            (counter.labels(*values) if values else counter).inc(counted)
    return found


def hand_over_all(*but: "Tally | Timing") -> None:
    """All tallies of this process, `but` these."""
    for tally in tallies():
        if tally not in but:
            hand_over(tally)


def _counter(tally: Tally) -> Any:
    if tally.name not in _series:
        _series[tally.name] = Counter(tally.name, tally.help, tally.labels, registry=REGISTRY)
    return _series[tally.name]


def _histogram(timing: Timing) -> Any:
    if timing.name not in _series:
        _series[timing.name] = Histogram(
            timing.name, timing.help, timing.labels, buckets=timing.bounds, registry=REGISTRY
        )
    return _series[timing.name]


def _add_times(histogram: Any, values: tuple[str, ...], timed: Timed) -> None:
    """prometheus_client adds one observation at a time; these are many, whose buckets are known."""
    one = histogram.labels(*values) if values else histogram
    one._sum.inc(timed.seconds)
    for bucket, count in zip(one._buckets, timed.counts, strict=True):
        if count:
            bucket.inc(count)
