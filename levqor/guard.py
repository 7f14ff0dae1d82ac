"""The supervisor's last will: ends its process groups when the supervisor is gone, even by `kill -9`.

Runs on its own (`python -S levqor/guard.py`) and imports only the standard library. Lines on standard input: `+<pgid>`
for a group that started, `-<pgid>` for one that ended. End of input means that the supervisor is dead or done.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 8.0


def leads(group: int) -> bool:
    """Whether the process that leads the group is left."""
    try:
        os.kill(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def send(group: int, number: signal.Signals) -> None:
    """Signal a whole group; one that is gone is fine."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def follow(lines: Iterable[str]) -> set[int]:
    """The groups that are left when the lines end."""
    groups: set[int] = set()
    for line in lines:
        sign, number = line[:1], line[1:].strip()
        if number.isdigit() and int(number) > 1:
            (groups.add if sign == "+" else groups.discard)(int(number))
    return groups


def end(groups: set[int], grace: float = GRACE_SECONDS) -> None:
    """Ask each group's leader to end, wait for it up to `grace` seconds, then kill what is left of the group."""
    for group in groups:
        try:
            os.kill(group, signal.SIGTERM)
        except (ProcessLookupError, PermissionError):
            continue
    deadline = time.monotonic() + grace
    left = set(groups)
    while left:
        for group in [group for group in left if not leads(group) or time.monotonic() > deadline]:
            send(group, signal.SIGKILL)
            left.discard(group)
        time.sleep(0.02)


def main() -> None:
    """Wait for the end of standard input, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end(follow(sys.stdin))


if __name__ == "__main__":
    main()
