"""`limited.py SECONDS FILE COMMAND…`: interrupts a command that takes longer than on the machine the limit was set on.

The same machine is at times half as fast, and a limit by the clock then fails what is well. So every few seconds a
little work that is always the same is timed, and what passed is counted in seconds of the reference machine. They are
written to FILE. Exits as the command does; with 124 where it was interrupted for its time.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

# Seconds of a processor that the work below took beside tests, on the machine that the limits were set on: there
# `make test` took 290 seconds. With Debian 12's Python, which CI prefers; one built without optimization took 0.0095.
REFERENCE = 0.0070
ROWS, TIMES = 1500, 4
EVERY, GRACE = 5.0, 20.0
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 124  # as timeout(1) says it
SLOWEST = 3.0  # the whole has an end on any machine


def slowness() -> float:
    """How many times longer this machine takes at present; never less than once. The work is of the tests' kind: many
    small objects, so that it feels a memory that others keep busy."""
    began = time.process_time()
    for _time in range(TIMES):
        rows = [{"id": number, "name": f"row {number}", "tags": [str(number)] * 2} for number in range(ROWS)]
        json.loads(json.dumps(sorted(rows, key=lambda row: str(row["name"]))))
    return min(max((time.process_time() - began) / REFERENCE, 1.0), SLOWEST)


def run(limit: float, command: list[str]) -> tuple[int, float]:
    """The command's exit code, and the seconds that it took on the reference machine."""
    ended_by: list[int] = []

    def interrupt(number: int, _frame: object = None) -> None:
        ended_by.append(number)
        _send(child, signal.SIGINT)

    # Before the command begins: a shell lets what is in its background ignore interrupts, nohup hang-ups, and the
    # command would inherit that.
    for number in ENDS:
        signal.signal(number, interrupt)
    child = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - what the script says
    spent, seen = 0.0, time.monotonic()
    killed_at = float("inf")
    while True:
        try:
            code = child.wait(timeout=EVERY)
        except subprocess.TimeoutExpired:
            code = None
        moment = time.monotonic()
        spent, seen = spent + (moment - seen) / slowness(), moment
        if code is not None:
            if ended_by:
                _end_the_rest(child)
            return (INTERRUPTED if ended_by == [0] else 130 if ended_by else code), spent
        if spent > limit and not ended_by:
            interrupt(0)
        if ended_by:
            killed_at = min(killed_at, moment + GRACE)
            if moment >= killed_at:
                _send(child, signal.SIGKILL)


def _end_the_rest(child: "subprocess.Popen[bytes]") -> None:
    """What it started goes on to tell where it was, for a moment."""
    until = time.monotonic() + GRACE
    with suppress(ProcessLookupError):
        while time.monotonic() < until:
            os.killpg(child.pid, 0)
            time.sleep(0.1)
        os.killpg(child.pid, signal.SIGKILL)


def _send(child: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def main() -> int:
    """See above."""
    limit, took, command = float(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    code, spent = run(limit, command)
    took.write_text(f"{spent:.0f}")
    if code == INTERRUPTED:
        sys.stderr.write(f"HUNG: “{' '.join(command)}” was stopped after {limit:.0f} s.\n")
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
