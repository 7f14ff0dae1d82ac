"""What the platform runs and looks at: events, jobs, ticks, checks, data to begin with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from apps.core.kinds.base import CatchUp, Contribution, Text

if TYPE_CHECKING:
    from apps.core.models import DomainEvent

CheckState = Literal["ok", "warning", "failed", "off"]
Checked = tuple[CheckState, str]


@dataclass(frozen=True)
class EventType(Contribution):
    """A domain event that some app emits."""

    name: str
    label: Text


@dataclass(frozen=True)
class EventHandler(Contribution):
    """Consumes an event exactly once, in the transaction that marks it consumed.

    `handle` may only write rows (a row may be an order for an outside effect). `when` is a pure look at the payload:
    where it says no, no delivery is made.
    """

    event: str
    name: str
    handle: "Callable[[DomainEvent], None]"
    when: Callable[[Mapping[str, Any]], bool] | None = None

    @property
    def key(self) -> str:
        return f"{self.event}:{self.name}"


@dataclass(frozen=True)
class ScheduledJob(Contribution):
    """Work by the calendar. Each slot of `crontab` (five fields, in `tz`) is done at most once.

    `run` gets the slot's time and returns a short outcome for the record. `catch_up` says what happens to slots missed
    while the platform was down: "skip" none, "latest" the newest, "all" each; a slot is missed when nobody began it
    within ten minutes. One that fails, or whose worker dies, is begun again up to `retries` times: what `run`
    does must bear that. A slot that has no success after `overdue_after` makes the job late, whatever else happens.
    """

    name: str
    label: Text
    run: Callable[[Any], str]
    crontab: str
    tz: str = "UTC"
    catch_up: CatchUp = "latest"
    retries: int = 3
    overdue_after: timedelta = timedelta(days=2)


@dataclass(frozen=True)
class Tick(Contribution):
    """A Celery task that beat sends every few seconds: the reconcilers behind the doorbells."""

    name: str
    task: str
    seconds: int


@dataclass(frozen=True)
class HealthCheck(Contribution):
    """One line of `manage.py doctor`: returns (state, what was seen). "off" is what nobody set up: it is skipped."""

    name: str
    label: Text
    run: Callable[[], Checked]


@dataclass(frozen=True)
class Seed(Contribution):
    """Demo data of one app, loaded in `order` by `manage.py seed`; running it again changes nothing."""

    name: str
    load: Callable[[], str]
    order: int = 100


@dataclass(frozen=True)
class SandboxSeed(Contribution):
    """What a new sandbox holds from the start: `load(organization, user)`, in the transaction that makes it."""

    name: str
    load: Callable[[Any, Any], None]


@dataclass(frozen=True)
class EncryptedValues(Contribution):
    """Secrets kept encrypted elsewhere than in an `EncryptedTextField`, such as inside a JSON column.

    `rotate(renewed)` passes each token to `renewed(token) -> token`, stores the answer where it differs, and returns
    how many differed. It must work in batches and be safe to run again.
    """

    name: str
    label: Text
    rotate: Callable[[Callable[[str], str]], int]
