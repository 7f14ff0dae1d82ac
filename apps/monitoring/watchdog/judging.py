"""From what was seen to what is wrong: no clock, no socket, no file.

Times are of a clock that nobody sets (`time.monotonic`). Signs of life are numbers that rise: that one did not rise is
seen without comparing clocks of two machines, so a clock that is put forward or back kills nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from apps.monitoring.watchdog.alarms import BEAT, DATABASE, REDIS, TASKS, WEB, WORKER, WORKER_LOST
from apps.monitoring.watchdog.crew import Crew

PROBED = (DATABASE, REDIS, WEB)
PROCESSES = {BEAT: "beat", WORKER: "worker"}
START_SECONDS = 60.0  # what was never seen to live since the watchdog began may still be starting
RETURN_SECONDS = 30.0  # and what could not give signs may take so long to do so again
TASKS_SECONDS = 90.0  # a proof comes every quarter of a minute

Signs = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Look:
    """What one look found. `errors` has an entry for each service that is looked at: why it is down, or nothing.

    `signs`: the numbers of each process by its name; None where they could not be read.
    """

    at: float
    errors: Mapping[str, str]
    signs: Mapping[str, Signs] | None


@dataclass(frozen=True)
class Change:
    """An alarm that begins (`over` is False) or ends."""

    code: str
    seen: str = ""
    over: bool = False


@dataclass
class _Sign:
    value: Signs | None = None
    changed_at: float = 0.0
    lived: bool = False


@dataclass
class Judge:
    """Remembers the last looks. `is_open` holds the alarms that have begun and not ended."""

    interval: float
    is_open: set[str] = field(default_factory=set)
    start_seconds: float = START_SECONDS
    return_seconds: float = RETURN_SECONDS
    tasks_seconds: float = TASKS_SECONDS

    def __post_init__(self) -> None:
        self._began: float | None = None
        self._last: float | None = None
        self._answered: set[str] = set()
        self._failed: dict[str, int] = {}
        self._signs = {code: _Sign() for code in (*PROCESSES, TASKS)}
        self._held_until = 0.0
        self._crew = Crew(self.interval, lost=WORKER_LOST in self.is_open)

    @property
    def doubts(self) -> bool:
        """Whether a service failed once: looking again soon decides."""
        return any(count == 1 and code not in self.is_open for code, count in self._failed.items())

    def judge(self, look: Look) -> list[Change]:
        """What begins and ends with this look."""
        began = self._began = look.at if self._began is None else self._began
        slept = self._last is not None and look.at - self._last > 2 * self.interval
        self._last = look.at
        changes = [change for code in PROBED if (change := self._of_service(code, look, began)) is not None]
        if slept or look.signs is None or any(self._failed.get(code) for code in (DATABASE, REDIS)):
            self._hold(look, slept=slept)
        else:
            changes += [change for code in PROCESSES if (change := self._of_process(code, look, began)) is not None]
            changes += [*self._of_tasks(look), *self._of_crew(look)]
        for change in changes:
            (self.is_open.discard if change.over else self.is_open.add)(change.code)
        return changes

    # Services -----------------------------------------------------------------------------------------------------
    def _of_service(self, code: str, look: Look, began: float) -> Change | None:
        error = look.errors.get(code)
        if error is None:
            return None
        if not error:
            self._failed[code] = 0
            self._answered.add(code)
            return Change(code, over=True) if code in self.is_open else None
        self._failed[code] = self._failed.get(code, 0) + 1
        starting = code not in self._answered and look.at - began < self.start_seconds
        if self._failed[code] < 2 or starting or code in self.is_open:
            return None
        return Change(code, error)

    # Processes ----------------------------------------------------------------------------------------------------
    def _hold(self, look: Look, *, slept: bool) -> None:
        """Without database or Redis nobody can show that he lives, and after a sleep nobody had to: not known."""
        for sign in self._signs.values():
            sign.value, sign.changed_at = None, look.at
        self._crew.hold()
        if not slept:
            self._held_until = look.at + self.return_seconds

    def _moved(self, code: str, value: Signs, look: Look) -> bool | None:
        """Whether a sign changed since the last look; None where there is nothing to compare it with."""
        sign = self._signs[code]
        before, sign.value = sign.value, value
        if before is None:
            sign.changed_at = look.at
            return None
        risen = bool(set(value) - set(before))
        if risen:
            sign.changed_at, sign.lived = look.at, True
        return risen

    def _of_process(self, code: str, look: Look, began: float) -> Change | None:
        moved = self._moved(code, (look.signs or {}).get(PROCESSES[code], ()), look)
        sign = self._signs[code]
        if moved:
            return Change(code, over=True) if code in self.is_open else None
        still = look.at - sign.changed_at
        starting = not sign.lived and look.at - began < self.start_seconds
        if moved is None or still < 0.95 * self.interval or starting or look.at < self._held_until:
            return None
        if code in self.is_open:
            return None
        return Change(code, f"Its last sign of life came {max(1, round(still))} seconds ago or earlier.")

    def _of_crew(self, look: Look) -> list[Change]:
        missing = self._crew.missing((look.signs or {}).get(PROCESSES[WORKER], ()), look.at)
        if missing is None or look.at < self._held_until or bool(missing) == (WORKER_LOST in self.is_open):
            return []
        return [Change(WORKER_LOST, f"Missing: {', '.join(missing)}.") if missing else Change(WORKER_LOST, over=True)]

    def _of_tasks(self, look: Look) -> list[Change]:
        moved = self._moved(TASKS, (look.signs or {}).get("task", ()), look)
        sign = self._signs[TASKS]
        if moved:
            return [Change(TASKS, over=True)] if TASKS in self.is_open else []
        alive = not self.is_open & set(PROCESSES) and all(self._signs[code].lived for code in PROCESSES)
        if not alive:
            sign.changed_at = look.at
        patience = max(self.tasks_seconds, 4 * self.interval)
        if not alive or look.at - sign.changed_at < patience or TASKS in self.is_open:
            return []
        return [Change(TASKS, f"None was done for {round(look.at - sign.changed_at)} seconds.")]
