"""How fast to ask: as fast as answers come, found out and never written down (decision 23).

All threads of a process take their turns here. What was let through per second, at best in the last windows, is what
Notion allows. Mostly exactly so much is asked; now and then a little more, to notice when it allows more, then a little
less, to see which share of refusals has nothing to do with us. A refused call itself waits as long as it was told to;
when calls in a row are refused, or the wait is long, everybody does.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

FIRST_RATE = 10.0  # a second, until the first answers are counted
LEAST_RATE, MOST_RATE = 0.2, 2_000.0
WINDOW, FIRST_WINDOW = 1.0, 0.2  # seconds
FEWEST, FIRST_FEWEST = 24, 8  # answers that say something
PATIENCE = 5.0  # seconds after which fewer say something too
GAINS = (1.2, 0.85, 1.0, 1.0, 1.0, 1.0)
REMEMBERED = 8  # windows
GROWING = 1.25  # a window that let through so much more than any before it is followed by twice the rate
JAMMED = 0.4  # share of refusals at which doubling ends at once
FASTEST_FALL = 3.0  # from one window to the next: one that let nothing through says nothing of how much is allowed
LATE = 0.1  # seconds of turns that may be taken at once by threads that were held up
IN_A_ROW, SILENT = 4, 1.0  # so many refusals and nothing let through for so long (or eight turns): nobody asks
LONG_WAIT = 10.0  # seconds that are meant for everybody


class Pace:
    """See above. `clock` and `sleep` are the time's own."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self.rate = FIRST_RATE
        self._next = 0.0
        self._closed_until = 0.0
        self._in_a_row, self._open_at = 0, clock()
        self._doubling, self._flat = True, 0
        self._let_through: deque[float] = deque(maxlen=REMEMBERED)
        self._noise: deque[float] = deque(maxlen=REMEMBERED)
        self._gain = 0
        self._begin_window()

    def turn(self) -> None:
        """Wait until it is this thread's turn to ask."""
        with self._lock:
            moment = self._clock()
            at = max(self._next, self._closed_until, moment - LATE)
            self._next = at + 1.0 / self.rate
            self._turns += 1
            self._held += at > moment
        while (left := max(at, self._closed_until) - self._clock()) > 0:
            self._sleep(left)

    def answered(self, *, refused: bool = False, retry_after: float = 0.0) -> None:
        """Tell of an answer, whatever it is but that nobody was reached."""
        with self._lock:
            self._answers += 1
            self._refused += refused
            moment = self._clock()
            if not refused:
                self._in_a_row, self._open_at = 0, moment
            else:
                self._in_a_row += 1
                shut = self._in_a_row >= IN_A_ROW and moment - self._open_at > max(SILENT, 8 / self.rate)
                if shut or retry_after >= LONG_WAIT:
                    self._closed_until = max(self._closed_until, moment + retry_after)
            self._look()

    def rest(self, seconds: float) -> None:
        """Wait so long, this thread alone."""
        self._sleep(seconds)

    def _look(self) -> None:
        seconds = self._clock() - self._since
        fewest, shortest = (FIRST_FEWEST, FIRST_WINDOW) if self._doubling else (FEWEST, WINDOW)
        if seconds < shortest or self._answers < (FIRST_FEWEST if seconds > PATIENCE else fewest):
            return
        through, share = (self._answers - self._refused) / seconds, self._refused / self._answers
        if self._refused or self._held * 2 >= self._turns:  # else nobody had more to ask, which says nothing
            self._settle(through, share)
        self._begin_window()

    def _settle(self, through: float, share: float) -> None:
        best = max(self._let_through, default=0.0)
        if share >= JAMMED:  # what it took before, such as a burst, it takes no more
            self._let_through.clear()
        self._let_through.append(through)
        self._noise.append(share)
        if self._doubling:
            self._flat = 0 if through >= best * GROWING else self._flat + 1
            self._doubling = self._flat < 2 and share < JAMMED
        if self._doubling:
            self._set(self.rate * 2)
            return
        self._gain = (self._gain + 1) % len(GAINS)
        most = sorted(self._let_through)[-2:][0]  # the second best: the best had a burst in it, maybe
        allowed = most / (1.0 - min(min(self._noise), 0.5))
        self._set(max(GAINS[self._gain] * allowed, self.rate / FASTEST_FALL))

    def _set(self, rate: float) -> None:
        self.rate = min(max(rate, LEAST_RATE), MOST_RATE)
        self._next = min(self._next, self._clock() + 1.0 / self.rate)

    def _begin_window(self) -> None:
        self._since = self._clock()
        self._answers = self._refused = self._turns = self._held = 0
