"""Lists ask the database as often for many rows as for ten: so often as `tests/common/query_counts.json` says."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from apps.accounts.models import Organization, User
from apps.billing.models import CreditGrant
from apps.core import versions
from apps.core.remembering import Remembered
from tests.common.bills import make_bills
from tests.common.growth import deepen, grow, notices, queries
from tests.common.roles import api_client_of, client_of
from tests.common.routes import routes
from tests.common.workflows import make_workflow

pytestmark = pytest.mark.django_db
COUNTS: dict[str, dict[str, int]] = json.loads((Path(__file__).parents[1] / "common" / "query_counts.json").read_text())

STATUSPAGE = ("summary", "status", "components", "incidents", "scheduled-maintenances")

# Addresses that an owner opens and that end in no object, yet are not counted, and why.
NO_LISTS = {
    **dict.fromkeys(("/api/openapi.json", "/api/v1/schemas/workflow", "/robots.txt"), "the same for everybody"),
    **dict.fromkeys(("/demo/customers", "/demo/orders", "/demo/status"), "the demo's own, of a fixed size"),
    **dict.fromkeys(("/organizations/new", "/workflows/new", "/workflows/*/edit", "/workflows/*/run"), "a form"),
    **dict.fromkeys(("/settings/organization", "/settings/profile", "/device"), "a form"),
    "/settings/notifications": "as many rows as there are types of notice",
    "/developer": "one key, how to use it, and a handful of figures",
    "/developer/plans": "as many plans as the code has",
    "/pricing": "as many products as the catalogue has",
    "/api/v1/me": "one person; an organization each, at most 20",
    **dict.fromkeys(("/docs/api", "/docs/api/redoc", "/docs/sdk"), "the same for everybody"),
    **dict.fromkeys(("/api/v1/ping", "/api/usage", "/api/v1/usage", "/api/v1/usage/meters"), "a handful of figures"),
    **dict.fromkeys(
        ("/status", "/status/history.atom", "/api/metrics/public"), "of a copy: tests/unit/monitoring/status"
    ),
    **dict.fromkeys((f"/api/v2/{name}.json" for name in STATUSPAGE), "of the same copy"),
    "/status/history": "a month, of at most 200 incidents: counted in test_page.py",
    **dict.fromkeys(("/status/subscribe", "/status/subscribed"), "a form"),
    "/runs/*/live": "the part of the run's page that changes: counted there",
    "/dev/mail": "a demo's; counted in test_mail_page.py",
}
# allauth's pages are about one person's few things. Its list of sessions asks for each one: a person has a handful.
OF_ONE_PERSON = "/accounts/"


class Counter:
    """Counts how often addresses ask, for one member."""

    def __init__(self, user: User, organization: Organization) -> None:
        self.browser, self.program = client_of(user, organization), api_client_of(user, organization)

    def counts(self, addresses: Iterable[str], **names: str) -> dict[str, int]:
        """By address, with the names filled in."""
        return {
            address: queries(self.program if address.startswith("/api/") else self.browser, address.format(**names))
            for address in addresses
        }


@pytest.fixture(autouse=True)
def _nobody_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process remembers with Redis is read here, as it is without: both have one count."""
    monkeypatch.setattr(Remembered, "_version", lambda _self, _key: versions.BLOCKED)


def test_ten_thousand_rows_cost_as_many_queries_as_ten(
    organization: Organization, owner: User, developer: User
) -> None:
    first, member, wanted = make_workflow(organization, owner), Counter(developer, organization), COUNTS["many things"]
    for count in (10, 10_000):
        grow(first, owner, count)
        notices(developer, organization, count)
        assert member.counts(wanted, workflow=first.slug) == wanted, count


def test_what_belongs_to_one_thing_costs_as_many_queries_for_three_hundred_as_for_ten(
    organization: Organization, owner: User
) -> None:
    member, wanted = Counter(owner, organization), COUNTS["one thing"]
    for count in (10, 300):
        workflow, run = deepen(organization, owner, count)
        invoice = make_bills(organization, owner, count)
        bought = CreditGrant.objects.for_organization(organization).exclude(order=None)[0]
        assert bought.order is not None
        names = {
            "invoice": invoice.public_id,
            "line": str(invoice.lines.all()[0].pk),
            "order": bought.order.public_id,
        }
        assert member.counts(wanted, workflow=workflow.slug, run=run.public_id, **names) == wanted, count


def test_every_list_has_its_count(organization: Organization, owner: User) -> None:
    """Whatever an owner opens by an address that ends in no object is counted, or excused above."""
    workflow, run = deepen(organization, owner, 1)
    names = defaultdict(
        lambda: "x", workflow=workflow.slug, slug=workflow.slug, run=run.public_id, run_id=run.public_id
    )
    member, counted = Counter(owner, organization), {_shape(path) for group in COUNTS.values() for path in group}
    lists = set()
    for route in routes():
        if route.pattern.endswith(">") or not route.pattern or _shape(route.pattern).startswith(OF_ONE_PERSON):
            continue
        client = member.program if route.is_api else client_of(owner, organization)
        if client.get(route.address(names)).status_code == 200:
            lists.add(_shape(route.pattern))
    assert lists - counted - set(NO_LISTS) == set()
    assert set(NO_LISTS) <= lists - counted, "an excuse that nobody needs"


def _shape(address: str) -> str:
    """An address or a route's pattern without the names of its parameters."""
    return "/" + re.sub(r"<[^>]*>|{[^}]*}", "*", address.split("?")[0]).lstrip("/")
