"""Alternating rounds: every contender sees the same machine, minute by minute. Each round is printed."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.contenders import Contender

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))


def machine() -> str:
    """What this ran on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{os.cpu_count()} × {model}, Python {platform.python_version()}, load average {load}"


def alternate(
    contenders: Sequence[tuple[Contender, int]], title: str, rounds: int = ROUNDS
) -> Mapping[str, list[float]]:
    """Rates per second of each contender by name: (contender, jobs per round), forward and backward in turn.

    One round of each is a warm-up and not counted. While one is measured the others are frozen.
    """
    print(f"\n{title}\n  {machine()}")
    rates: dict[str, list[float]] = {contender.name: [] for contender, _count in contenders}
    for contender, _count in contenders:
        contender.start()
        contender.freeze()
    for number in range(rounds + 1):
        line = []
        for contender, count in contenders if number % 2 == 0 else contenders[::-1]:
            used = contender.cpu_seconds()
            contender.thaw()
            seconds = contender.measure(count)
            contender.freeze()
            used = contender.cpu_seconds() - used
            if number:
                rates[contender.name].append(count / seconds)
            line.append(f"{contender.name} {count / seconds:7.1f}/s ({1000 * used / count:.1f} ms of CPU each)")
        print(f"  {'round ' + str(number) if number else 'warm-up'}: {'   '.join(line)}")
    for name, values in rates.items():
        print(f"  median of {name}: {statistics.median(values):.1f}/s")
    return rates


def ratio(rates: Mapping[str, list[float]], one: str, other: str) -> float:
    """The median over rounds of one contender's rate by the other's in the same round."""
    return statistics.median(a / b for a, b in zip(rates[one], rates[other], strict=True))
