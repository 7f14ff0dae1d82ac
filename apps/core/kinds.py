"""The kinds of contribution that rooms make to each other: frozen data, no behaviour of their own."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from django.utils.functional import Promise

if TYPE_CHECKING:
    from apps.core.brand import Brand
    from apps.core.models import DomainEvent

Text = str | Promise
CatchUp = Literal["skip", "latest", "all"]
Dimension = Literal["category", "key_id", "user_id"]
Value = bool | int | str


@dataclass(frozen=True)
class Contribution:
    """Base of all kinds; `key` is unique within a kind."""

    @property
    def key(self) -> str:
        """What the registry files this under."""
        return str(self.name)  # type: ignore[attr-defined] # every kind but a few names itself


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
    while the platform was down. A slot that fails, or whose worker dies, is begun again up to `retries` times: what
    `run` does must bear that. A job without success for `overdue_after` is reported as overdue.
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
class AuditAction(Contribution):
    """An action that may be recorded. Members of `data` named in `scrub` are personal and can be erased later."""

    code: str
    label: Text
    scrub: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.code


@dataclass(frozen=True)
class Permission(Contribution):
    """Something that a member may or may not do, and the built-in roles that may.

    `for_keys` says whether an API key may hold it: its scope is the code with a colon ("runs:start").
    """

    code: str
    label: Text
    roles: frozenset[str]
    for_keys: bool = False

    @property
    def scope(self) -> str:
        """The permission as a key's scope."""
        return self.code.replace(".", ":")

    @property
    def key(self) -> str:
        return self.code


@dataclass(frozen=True)
class LoginMethod(Contribution):
    """A way to log in, offered on the login page when `available()`."""

    name: str
    label: Text
    available: Callable[[], bool]
    url_name: str
    order: int = 100


@dataclass(frozen=True)
class WebhookVerifier(Contribution):
    """How a vendor signs what it sends: `verify(body, headers)` returns (event id, event type, payload) or raises."""

    vendor: str
    verify: Callable[[bytes, Mapping[str, str]], tuple[str, str, dict[str, Any]]]

    @property
    def key(self) -> str:
        return self.vendor


@dataclass(frozen=True)
class WebhookHandler(Contribution):
    """Handles one type of a vendor's events from the inbox, exactly once; `event_type` "*" means all."""

    vendor: str
    event_type: str
    handle: Callable[[dict[str, Any]], None]

    @property
    def key(self) -> str:
        return f"{self.vendor}:{self.event_type}"


@dataclass(frozen=True)
class VendorObjectHandler(Contribution):
    """Is given a vendor's object of a kind as it is now, whenever something happened to it: in one transaction with the
    note that it was seen. It may be given the same again."""

    vendor: str
    kind: str
    name: str
    handle: Callable[[Any], None]

    @property
    def key(self) -> str:
        return f"{self.vendor}:{self.kind}:{self.name}"


@dataclass(frozen=True)
class HealthCheck(Contribution):
    """One line of `manage.py doctor`: returns (state, what was seen)."""

    name: str
    label: Text
    run: Callable[[], "tuple[Literal['ok', 'warning', 'failed'], str]"]


@dataclass(frozen=True)
class BrandProvider(Contribution):
    """Finds the brand of a realm, or None to let the next one try."""

    name: str
    find: "Callable[[uuid.UUID], Brand | None]"


@dataclass(frozen=True)
class CredentialProvider(Contribution):
    """Finds a vendor's credentials for a realm, or None."""

    vendor: str
    name: str
    find: Callable[[uuid.UUID | None], Mapping[str, str] | None]

    @property
    def key(self) -> str:
        return f"{self.vendor}:{self.name}"


@dataclass(frozen=True)
class NavItem(Contribution):
    """A link in the application's side bar, shown to members that have `permission`.

    `icon` names a symbol of `static/img/icons.svg`; `badge(request)` may return a count to show beside the label.
    """

    name: str
    label: Text
    url_name: str
    group: Literal["build", "extend", "account"]
    order: int = 100
    permission: str = ""
    icon: str = ""
    badge: Callable[[Any], int | str | None] | None = None


@dataclass(frozen=True)
class SettingsPage(Contribution):
    """A tab of the settings area: of the person (`scope="user"`) or of the organization; there when `available()`."""

    name: str
    label: Text
    url_name: str
    scope: Literal["user", "organization"]
    order: int = 100
    permission: str = ""
    available: Callable[[], bool] | None = None


@dataclass(frozen=True)
class DashboardCard(Contribution):
    """A part of the overview page: `context(request)` feeds `template`; None leaves the card out."""

    name: str
    template: str
    context: Callable[[Any], dict[str, Any] | None]
    order: int = 100
    area: Literal["stats", "main", "side"] = "main"
    permission: str = ""


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


@dataclass(frozen=True)
class Meter(Contribution):
    """A figure that usage events add up to, for one organization.

    `of` is the name that the events carry. "sum" adds their values, "count" counts them, "max" takes the largest,
    "unique" counts the different values of the dimension `counts` (whose events are not all taken back). `group_by` are
    the dimensions that the figure may be divided by.
    """

    name: str
    label: Text
    of: str
    aggregation: Literal["sum", "count", "unique", "max"]
    counts: Dimension | None = None
    group_by: tuple[Dimension, ...] = ("category", "key_id", "user_id")


@dataclass(frozen=True)
class Feature(Contribution):
    """Something that an organization has by what it pays for: asked of `core.entitlements`.

    "boolean" is there or not, "static" has a value (a number of seats, a plan), "metered" is used up (credits).
    `default` is what it is without paying. Of several sources `combine` makes one value: by default any, the largest,
    the sum. `used(organization_id)` counts how much of a number is taken.
    """

    code: str
    label: Text
    kind: Literal["boolean", "static", "metered"]
    default: Value
    combine: Callable[[list[Value]], Value] | None = None
    used: Callable[[uuid.UUID], int] | None = None

    @property
    def key(self) -> str:
        return self.code


@dataclass(frozen=True)
class EntitlementProvider(Contribution):
    """Knows what organizations have: `find(organization_id)` returns the value of each feature that is paid for.

    `upgrade_url_name` is the page where more can be had.
    """

    name: str
    upgrade_url_name: str
    find: Callable[[uuid.UUID], Mapping[str, Value]]


@dataclass(frozen=True)
class StepType(Contribution):
    """A kind of workflow step.

    `schema` is the JSON Schema of the step's `with`; `required` says that `with` must be there. `run(step)` gets the
    engine's step context and returns its output (JSON), or waits, or raises. `effect` is what it does besides:
    nothing ("none": may simply be computed again), rows written with its result ("transaction"), or something out in
    the world ("outside": its start is recorded before, and it carries an idempotency key). `mock(step)` stands for
    `run` in a sandbox; a step without it has nothing to do with the world.
    """

    name: str
    label: Text
    schema: Mapping[str, Any]
    run: Callable[[Any], Any]
    effect: Literal["none", "transaction", "outside"] = "outside"
    required: bool = True
    mock: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Figure:
    """One number on a staff page: what it is, its value, what to compare it with, where to look closer."""

    label: Text
    value: Text | int
    note: Text = ""
    tone: Literal["", "ok", "bad", "wait"] = ""
    url: str = ""


@dataclass(frozen=True)
class StaffFigures(Contribution):
    """Numbers on the first page of the administration, for staff with the Django permission `permission`.

    `figures()` is asked at every view of that page: a few queries, each bounded whatever the size of the tables.
    """

    name: str
    label: Text
    figures: Callable[[], list[Figure]]
    permission: str
    order: int = 100


@dataclass(frozen=True)
class StaffPanel(Contribution):
    """A chart or table on the first page of the administration: `context()` feeds `template`, as bounded as figures."""

    name: str
    label: Text
    template: str
    context: Callable[[], dict[str, Any]]
    permission: str
    order: int = 100


@dataclass(frozen=True)
class StaffFacts(Contribution):
    """Numbers above the page of one row in the administration, told by an app above the one that owns the model.

    `model` is Django's label ("accounts.organization"); `facts(row)` is bounded.
    """

    name: str
    model: str
    facts: Callable[[Any], list[Figure]]
    permission: str
    order: int = 100
