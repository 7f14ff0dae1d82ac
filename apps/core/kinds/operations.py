"""What apps tell the rooms that watch over the platform: figures, costs, alarms, notices, tables at Notion."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from apps.core.kinds.base import Contribution, Text

if TYPE_CHECKING:
    from django.db.models import QuerySet

Severity = Literal["critical", "warning", "info", "success"]


@dataclass(frozen=True)
class PulseMetric(Contribution):
    """A figure of the business, once a week.

    `compute(start, end)` counts what happened in [start, end) ("flow"), or what there is at `end` ("stock"), in
    set-based SQL, of live organizations only. "money" is in cents of US dollars, "percent" between 0 and 100.
    `product` groups figures in reports; `better` says which way is good news. None: there is nothing to count yet, such
    as of a product that is not sold; that is not the same as nought.
    """

    name: str
    label: Text
    unit: Literal["count", "money", "percent"]
    compute: Callable[[datetime, datetime], int | Decimal | None]
    product: Text
    measures: Literal["flow", "stock"] = "flow"
    better: Literal["up", "down"] = "up"
    order: int = 100


@dataclass(frozen=True)
class RevenueSource(Contribution):
    """Money that came in for one product: `collect(start, end)` in cents of US dollars, refunds taken off."""

    name: str
    label: Text
    collect: Callable[[datetime, datetime], int]
    addon: bool = True


@dataclass(frozen=True)
class CostSource(Contribution):
    """Costs that a vendor's API, or our own counts, tell of a day: `collect(day)` in cents of US dollars, None while
    it is not known. What staff enter by hand needs no source.

    "tax" is what of the revenue belongs to states: no cost, but not earned either.
    """

    name: str
    label: Text
    category: Literal["hosting", "frontend", "ai", "key_value", "mail", "other", "tax"]
    collect: Callable[[date], int | None]


@dataclass(frozen=True)
class BasePrice(Contribution):
    """What a paying customer pays a month at least, in cents of US dollars: costs are set against it to say how many
    customers pay for them."""

    name: str
    label: Text
    monthly: Callable[[], int]


@dataclass(frozen=True)
class ActivitySource(Contribution):
    """A way to be active: `organizations(start, end)` is a query of one column, `organization_id`, of live
    organizations that did something in [start, end). It may name one more than once."""

    name: str
    organizations: "Callable[[datetime, datetime], QuerySet[Any, Any]]"


@dataclass(frozen=True)
class Concern(Contribution):
    """Something that staff should look at while there is any: a line in the checklist of reports.

    `count()` is bounded whatever the size of the tables; `url()` is the page, on this platform, that lists them.
    """

    name: str
    label: Text
    count: Callable[[], int]
    url: Callable[[], str]
    order: int = 100


@dataclass(frozen=True)
class AlertType(Contribution):
    """Something that staff are alarmed of.

    `title` and `body` are Django templates over the alarm's data, which staff may replace. An alarm with `resolves`
    stays open until what raised it says that it is over; without, it is told once.
    """

    code: str
    label: Text
    severity: Severity
    title: Text
    body: Text = ""
    resolves: bool = True

    @property
    def key(self) -> str:
        return self.code


@dataclass(frozen=True)
class NoticeType(Contribution):
    """Something that people are told of, in the inbox and by mail. What is transactional can't be switched off, and its
    mail carries no unsubscribe link. What is for `staff` is nobody else's choice."""

    code: str
    label: Text
    description: Text = ""
    transactional: bool = False
    in_app: bool = True
    mail: bool = True
    staff: bool = False

    @property
    def key(self) -> str:
        return self.code


@dataclass(frozen=True)
class NotionProperty:
    """A column of a table at Notion; exactly one of a table is its title. `options` are those of a select."""

    name: str
    kind: Literal["title", "rich_text", "number", "select", "date", "checkbox", "url", "email"]
    options: tuple[str, ...] = ()
    format: Literal["number", "dollar", "percent"] = "number"


@dataclass(frozen=True)
class NotionRow:
    """A row of ours at Notion: who it is for ever, and its values by column, as plain Python."""

    external_id: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class NotionDatabase(Contribution):
    """A table that we keep up to date at Notion. `rows()` yields all that should be there."""

    name: str
    title: str
    properties: tuple[NotionProperty, ...]
    rows: Callable[[], Iterable[NotionRow]]


@dataclass(frozen=True)
class NotionSource(Contribution):
    """A table that people write at Notion and that we follow. `receive(page)` is given each page that changed, with its
    values by column and its text as Markdown; `forget(page_id)` those that are gone or in the bin."""

    name: str
    title: str
    properties: tuple[NotionProperty, ...]
    receive: Callable[[Any], None]
    forget: Callable[[str], None]


@dataclass(frozen=True)
class StatusComponent(Contribution):
    """A part of the platform on the public status page. `probe()` raises, or returns what was seen, within a few
    seconds; it may be asked where neither database nor queue answers."""

    name: str
    label: Text
    description: Text
    probe: Callable[[], str]
    order: int = 100


@dataclass(frozen=True)
class Gauge(Contribution):
    """A number at this moment for Prometheus: a worker reads it every few seconds, `/metrics` only shows it.

    `read()` returns a value by label values (in the order of `labels`): few queries, each bounded.
    """

    name: str
    help: str
    read: Callable[[], Mapping[tuple[str, ...], float]]
    labels: tuple[str, ...] = field(default=())
