"""Which function answers which address, and what the modules of the fake offer one another.

`@route("POST", "/v1/customers/{customer}")` is an API call: `(world, params, **path) -> dict`. Addresses outside `/v1`
are pages, which answer with a `Page`. `@includes("customer", "tax_ids")` makes a member that is shown only when it is
expanded. `@provides("subscriptions.start")` lets other modules call `provided("subscriptions.start")(…)` without
importing each other in a circle; offered are

- `subscriptions.start(world, *, customer, prices, anchor, trial_days, coupon, metadata, automatic_tax,
  payment_method)`: a subscription as a completed checkout makes it, its `prices` as `{"price": id, "quantity": 1}` (no
  quantity where it is metered); raises the card's `FakeError` where its first invoice can't be paid;
- `subscriptions.end(world, subscription)`: it is over at once;
- `checkout.expire(world, session)`: an open payment page closes;
- `subscriptions.quote(world, *, …the same without payment_method)`: the first invoice as it would be, unsaved (an
  invoice dict, with `subtotal`, `total`, `total_discount_amounts`, `total_taxes`).
- `invoices.once(world, *, customer, prices, coupon, automatic_tax, metadata, intent)`: the invoice of a checkout that
  was paid once with this payment intent (None where nothing was due), paid and told of at once (`billing_reason`
  "manual", `parent` None);
- `invoices.intent_changed(world, intent)`: see to the invoice of an intent that was attempted elsewhere.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from apps.integrations.stripe.fake.errors import FakeError, invalid
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.world import Object, World, shown

Answer = Callable[..., Any]
Function = TypeVar("Function", bound=Answer)


@dataclass(frozen=True)
class Page:
    """An answer to a browser."""

    content: str | bytes = ""
    status: int = 200
    type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    answer: Answer


_ROUTES: list[_Route] = []
_PROVIDED: dict[str, Callable[..., Any]] = {}
_INCLUDED: dict[tuple[str, str], Callable[[World, Object], Any]] = {}


def route(method: str, path: str) -> Callable[[Function], Function]:
    """Answer this address. Of two that fit, the one without names in braces is asked first."""
    pattern = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path))

    def register(answer: Function) -> Function:
        _ROUTES.append(_Route(method, pattern, answer))
        _ROUTES.sort(key=lambda one: one.pattern.groups)
        return answer

    return register


def provides(name: str) -> Callable[[Function], Function]:
    """Offer a function to other modules."""

    def register(function: Function) -> Function:
        _PROVIDED[name] = function
        return function

    return register


def provided(name: str) -> Callable[..., Any]:
    """A function that some module offers."""
    return _PROVIDED[name]


def includes(kind: str, name: str) -> Callable[[Function], Function]:
    """Make a member that only those see who expand it: `(world, obj) -> member`."""

    def register(make: Function) -> Function:
        _INCLUDED[kind, name] = make
        return make

    return register


def load() -> None:
    """Import every module of the fake, so that all have registered."""
    package = Path(__file__).parent
    for module in pkgutil.iter_modules([str(package)]):
        if module.name != "__main__":
            importlib.import_module(f"{__package__}.{module.name}")


def find_answer(method: str, path: str) -> tuple[Answer, dict[str, str]]:
    """The function for an address, with what its braces stand for."""
    for one in _ROUTES:
        if one.method == method and (fits := one.pattern.fullmatch(path)):
            return one.answer, fits.groupdict()
    raise FakeError(404, "invalid_request_error", "", f"Unrecognized request URL ({method}: {path}).")


def list_of(objects: list[Object], url: str, *, has_more: bool = False) -> Object:
    """A list as Stripe shows it."""
    return {"object": "list", "data": [shown(obj) for obj in objects], "has_more": has_more, "url": url}


def page_of(world: World, params: Params, objects: list[Object], url: str) -> Object:
    """The part of these (oldest first) that was asked for: `limit`, `starting_after`, `ending_before`, `created`."""
    limit = params.integer("limit", 10, least=1, most=100)
    after, before = params.text("starting_after"), params.text("ending_before")
    found = objects[::-1]
    if params.has("created"):
        found = [obj for obj in found if _is_within(params, obj["created"])]
    ids = [obj["id"] for obj in found]
    for cursor, name in ((after, "starting_after"), (before, "ending_before")):
        if cursor and cursor not in ids and cursor not in [obj["id"] for obj in objects]:
            raise invalid(f"No such object: '{cursor}'", name, "resource_missing")
    if after:
        found = found[ids.index(after) + 1 :] if after in ids else []
    if before:
        found = found[: ids.index(before)][-limit:] if before in ids else []
    return list_of(found[:limit], url, has_more=len(found) > limit)


def _is_within(params: Params, created: int) -> bool:
    bounds = params.child("created")
    at_least, after = bounds.moment("gte"), bounds.moment("gt")
    at_most, before = bounds.moment("lte"), bounds.moment("lt")
    return (
        (at_least is None or created >= at_least)
        and (after is None or created > after)
        and (at_most is None or created <= at_most)
        and (before is None or created < before)
    )


# Expanding ----------------------------------------------------------------------------------------------------------
_KINDS = {
    "cus": "customer", "pm": "payment_method", "prod": "product", "price": "price", "sub": "subscription",
    "in": "invoice", "pi": "payment_intent", "ch": "charge", "txn": "balance_transaction", "re": "refund",
    "du": "dispute", "cs": "checkout.session", "txi": "tax_id", "di": "discount",
}  # fmt: skip


def expand(world: World, answer: Object, paths: list[str]) -> Object:
    """The answer with these ids replaced by what they name."""
    for path in paths:
        if path.count(".") > 3:
            raise invalid("You cannot expand more than 4 levels of a property.", "expand[0]")
        _expand(world, answer, path.split("."), path)
    return answer


def _expand(world: World, at: Any, steps: list[str], path: str) -> None:
    if isinstance(at, list):
        for one in at:
            _expand(world, one, steps, path)
        return
    if not steps or not isinstance(at, dict) or at.get("deleted"):  # of what is gone there is nothing to expand
        return
    name, *rest = steps
    make = _INCLUDED.get((at.get("object", ""), name))
    if make:
        at[name] = shown(make(world, world.get(at["object"], at["id"])))
    elif name not in at:
        raise invalid(f"This property cannot be expanded ({path}).", "expand[0]")
    elif isinstance(at[name], str):
        at[name] = _named(world, name, at[name], path)
    elif isinstance(at[name], list):
        at[name] = [_named(world, name, one, path) if isinstance(one, str) else one for one in at[name]]
    _expand(world, at[name], rest, path)


def _named(world: World, name: str, object_id: str, path: str) -> Any:
    kinds = [_KINDS.get(object_id.partition("_")[0], ""), name]  # products' and coupons' ids are the caller's own
    for kind in kinds:
        if kind and (obj := world.known(kind, object_id)):
            return shown(obj)
    raise invalid(f"This property cannot be expanded ({path}).", "expand[0]")
