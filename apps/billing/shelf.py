"""What is on sale, as pages show it: in groups, and with what the reader can do about each product."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.accounts.requests import ActorRequest
from apps.accounts.services.members import MEMBERS
from apps.billing import words
from apps.billing.catalogue import API_LINE, Product, catalogue
from apps.billing.models import Subscription
from apps.billing.selectors import had_line, is_on_hold, live_subscriptions
from apps.billing.waiting import before_in_line, most_called, waits_until
from apps.core.templatetags.levqor import money
from apps.usage.plans import API_CREDITS, API_PLAN, PLANS, SANDBOX, Plan

Action = Literal["", "yours", "choose", "change", "start"]
WORKFLOWS = "workflows.count"  # of a higher floor, where it is installed


@dataclass(frozen=True)
class Reader:
    """Who looks, what their organization has of each line, and of which it `had` one before: a trial is had once.
    Nobody buys for a sandbox, nor for an organization that is `on_hold`."""

    signed_in: bool
    organization: Organization | None
    may_buy: bool
    lines: Mapping[str, Subscription] = field(default_factory=dict)
    had: frozenset[str] = frozenset()
    on_hold: bool = False

    @cached_property
    def api_plan(self) -> Subscription | None:
        """The API plan that there is, or was until lately. Asked for once, as what was called under it."""
        if API_LINE in self.lines or self.organization is None:
            return self.lines.get(API_LINE)
        return before_in_line(self.organization)

    @cached_property
    def called(self) -> int:
        """The calls under the API plan."""
        return most_called(self.api_plan) if self.api_plan is not None else 0

    @property
    def is_customer(self) -> bool:
        """Whether it is somebody of an organization that can buy: no visitor and no sandbox."""
        return self.organization is not None and self.organization.livemode


@dataclass(frozen=True)
class Shown:
    """A product, and what the reader can do about it: `label` is a link to `url`, where there is something to do.
    `wait` is why there is nothing yet. `trial_days` are free for this reader."""

    product: Product
    points: list[str]
    action: Action
    label: str
    url: str
    trial_days: int = 0
    wait: str = ""

    @property
    def price(self) -> str:
        """The amount alone."""
        return money(self.product.price.money) if self.product.price.amount else _("Free")

    @property
    def per(self) -> str:
        """What the amount is for."""
        return words.per(self.product)

    @property
    def plan(self) -> Plan | None:
        """The API plan that it grants."""
        return PLANS.get(str(self.product.grants.get(API_PLAN)))

    @property
    def support(self) -> str:
        """Its support, in a word."""
        return str(words.SUPPORT_IN_SHORT[self.product.support])


@dataclass(frozen=True)
class Group:
    """Products that are alternatives. `free` is what there is without paying."""

    code: str
    title: str
    lead: str
    products: list[Shown]
    free: list[str] = field(default_factory=list)
    free_is_yours: bool = False


def reader_of(request: ActorRequest) -> Reader:
    """Who looks. A few queries for somebody of an organization."""
    organization = request.organization
    if organization is None:
        return Reader(request.user.is_authenticated, None, may_buy=False)
    lines = {row.line: row for row in live_subscriptions(organization)}
    tried = {one.line for one in catalogue().products.values() if one.trial_days} - set(lines)
    return Reader(
        True,
        organization,
        organization.livemode and request.may("billing.manage"),
        lines,
        had=frozenset(lines) | {line for line in tried if had_line(organization, line)},
        on_hold=is_on_hold(organization),
    )


def on_sale(reader: Reader, *, line: str = "") -> list[Shown]:
    """What is on sale, in the order of the catalogue; of one line where it is named."""
    products = catalogue().line(line) if line else catalogue().products.values()
    return [shown(product, reader) for product in products if product.on_sale]


def shown(product: Product, reader: Reader) -> Shown:
    """A product for a reader."""
    action, label, url = _action(product, reader)
    wait = wait_for(product, reader) if action in ("change", "choose") else ""
    return Shown(
        product, words.included(product), action, label, "" if wait else url, _trial_days(product, reader), wait
    )


def groups(reader: Reader) -> list[Group]:
    """All that is on sale, the platform first. Groups without a product are left out."""
    return [group for group in _groups(reader, on_sale(reader)) if group.products]


def checkout_url(product: Product) -> str:
    """Where a product is bought."""
    return f"{reverse('billing_checkout')}?{urlencode({'price': product.price.code})}"


def change_url(row: Subscription, product: Product) -> str:
    """Where a subscription is changed to a product of its line."""
    return f"{reverse('billing_change', args=[row.public_id])}?{urlencode({'price': product.price.code})}"


def wait_for(product: Product, reader: Reader) -> str:
    """Why it can't be changed to, or bought, yet."""
    row = reader.api_plan if product.line == API_LINE else None
    if row is None or row.product == product.code:
        return ""
    until = waits_until(row, product, reader.called)
    if until is None:
        return ""
    return _("From %(day)s on: you called more often than it includes.") % {"day": date_format(until, "j F")}


def _trial_days(product: Product, reader: Reader) -> int:
    return 0 if product.line in reader.had else product.trial_days


def _action(product: Product, reader: Reader) -> tuple[Action, str, str]:
    if not reader.signed_in:
        signup = f"{reverse('account_signup')}?{urlencode({'next': checkout_url(product)})}"
        return "start", _("Get started"), signup
    if reader.organization is None:
        return "choose", _("Choose"), checkout_url(product)
    may_buy = reader.may_buy and not reader.on_hold
    row = reader.lines.get(product.line) if product.line else None
    if row is not None and row.product == product.code:
        return "yours", _("Change seats") if product.seats else "", change_url(row, product) if may_buy else ""
    if not may_buy:
        return "", "", ""
    if row is not None:
        dearer = product.price.amount > catalogue().product(row.product).price.amount
        return "change", _("Upgrade") if dearer else _("Switch"), change_url(row, product)
    if API_CREDITS in product.grants:
        return "choose", _("Buy credits"), reverse("billing_credits")
    return "choose", _("Start trial") if _trial_days(product, reader) else _("Choose"), checkout_url(product)


def _groups(reader: Reader, all_shown: list[Shown]) -> Iterator[Group]:
    def those(group: str) -> list[Shown]:
        return [one for one in all_shown if _group_of(one.product) == group]

    api_lead = _("Calls beyond the plan are refused, so that the bill never grows. Credits let them pass.")
    yield Group(
        "platform",
        _("The platform"),
        _("Workflows for your team: schedules, webhooks, approvals, secrets, and a terminal."),
        those("platform"),
        words.defaults(MEMBERS, WORKFLOWS),
        reader.is_customer and "platform" not in reader.lines,
    )
    yield Group(
        "fixed",
        _("The API, at a fixed price"),
        api_lead,
        those("fixed"),
        [*words.plan_points(SANDBOX), str(words.SUPPORT["community"])],
        reader.is_customer and API_LINE not in reader.lines,
    )
    yield Group(
        "usage",
        _("The API, by usage"),
        _("Calls beyond the plan pass and are billed. You set the limit."),
        those("usage"),
    )
    yield Group(
        "credits",
        _("Calls in advance"),
        _("Used once the plan's calls are used up, with any plan."),
        those("credits"),
    )
    yield Group("more", _("More"), _("Alone, or beside a plan."), those("more"))


def _group_of(product: Product) -> str:
    if API_PLAN in product.grants:
        return "usage" if product.overage else "fixed"
    if API_CREDITS in product.grants:
        return "credits"
    return "platform" if product.line == "platform" else "more"
