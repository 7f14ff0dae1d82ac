"""What goes wrong by chance: too many calls, refusals for no reason, failures before and after the work was done."""

import random
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Trouble:
    """Shares of all calls; `rate` a second is what the bucket lets through, `burst` what it holds. 0: no limit."""

    rate: float = 0.0
    burst: float = 10.0
    refused: float = 0.0
    failed_before: float = 0.0
    failed_after: float = 0.0
    retry_after: int = 1
    seed: int = 1
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._chance = random.Random(self.seed)  # noqa: S311 - repeatable on purpose
        self._held, self._since = self.burst, time.monotonic()

    def next(self) -> str:
        """What happens to the next call: "", "refused", "limited", "failed_before" or "failed_after"."""
        with self._lock:
            found = self._decide()
            self.counts[found or "passed"] = self.counts.get(found or "passed", 0) + 1
            return found

    def _decide(self) -> str:
        drawn = self._chance.random()
        if drawn < self.refused:
            return "refused"
        if self.rate:
            moment = time.monotonic()
            self._held = min(self.burst, self._held + (moment - self._since) * self.rate)
            self._since = moment
            if self._held < 1:
                return "limited"
            self._held -= 1
        for name in ("failed_before", "failed_after"):
            drawn -= self.refused if name == "failed_before" else self.failed_before
            if drawn < getattr(self, name):
                return name
        return ""
