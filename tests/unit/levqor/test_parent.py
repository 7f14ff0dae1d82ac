"""Whether the process that started this one ends. How make does is in test_supervisor.py."""

import signal
import subprocess
import sys
from functools import partial

from levqor.env import ROOT

# A parent that blocks a signal while its child has looked once, and tells the child to look again.
PARENT = """
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
print(child.stdout.readline(), end="", flush=True)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
print(child.communicate("again")[0], end="")
"""
CHILD = """
import sys
import time
from levqor.parent import LASTS_SECONDS, Parent
parent = Parent()
print(repr(parent.ending()), flush=True)
sys.stdin.read()
print(repr(parent.ending()))
seen = time.monotonic()
while not parent.ending() and time.monotonic() < seen + 20:
    time.sleep(0.02)
assert time.monotonic() - seen >= LASTS_SECONDS
print(repr(parent.ending()))
"""


def test_only_what_is_blocked_later_tells_that_it_ends() -> None:
    said = subprocess.run(
        [sys.executable, "-c", PARENT, CHILD],
        cwd=ROOT,
        preexec_fn=partial(signal.pthread_sigmask, signal.SIG_BLOCK, {signal.SIGINT}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert said.splitlines() == ["''", "''", "'What started this got SIGHUP.'"], "a moment says nothing"
