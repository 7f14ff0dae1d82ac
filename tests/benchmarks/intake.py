"""Stripe's events as they go over the wire, and what the benchmark of their intake asks the driver process to do."""

import time
from functools import cache
from itertools import count
from typing import Any

from apps.integrations.inbox.services import handle_due
from apps.integrations.models import ExternalEvent, StripeObject
from apps.integrations.stripe.fake.webhooks import signed
from levqor.celery import app
from tests.benchmarks.load import HOST
from tests.benchmarks.servers import Address, Server
from tests.common.stripe_shop import Shop

SECRET = f"whsec_{'b' * 40}"
PATH = "/webhooks/stripe/"
_numbers = count(1)


class Intake(Address):
    """Events that nobody has had before. They are made and signed before the clock runs."""

    def __init__(self, name: str, server: Server) -> None:
        super().__init__(name, server, [])

    def measure(self, count: int) -> float:
        self.requests = fresh_events(count)
        return super().measure(count)


def fresh_events(number: int) -> list[bytes]:
    """So many requests: what happens when a plan is bought, renewed and used, over and over, each under an id of its
    own."""
    found = events()
    return [_post({**found[index % len(found)], "id": f"evt_bench{next(_numbers):016d}"}) for index in range(number)]


@cache
def events() -> list[dict[str, Any]]:
    """What a purchase and a renewal tell of, as the fake Stripe makes it: in form and size as Stripe's own."""
    with Shop() as shop:
        shop.buy(shop.pro, shop.calls)
        shop.advance(shop.now() + 40 * 24 * 3600)
        return [dict(event) for event in shop.world.find("event")]


def _post(event: dict[str, Any]) -> bytes:
    body, headers = signed(event, SECRET)
    lines = [f"POST {PATH} HTTP/1.1", f"Host: {HOST}", "Accept: */*", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


# Inside of the platform -----------------------------------------------------------------------------------------------
def stored(vendor: str) -> int:
    """How many events of a vendor there are."""
    return ExternalEvent.objects.filter(vendor=vendor).count()


def hand_on(count: int) -> float:
    """Do what a worker does with so many of those that came. Returns the seconds that it took."""
    began = time.perf_counter()
    if (done := handle_due(count)) < count:
        raise AssertionError(f"only {done} events waited")
    return time.perf_counter() - began


def leave_nothing_behind() -> int:
    """No event, nothing to look at, no ring: who is measured next has no Stripe. Returns how many rings were left."""
    ExternalEvent.objects.all().delete()
    StripeObject.objects.all().delete()
    return int(app.control.purge() or 0)
