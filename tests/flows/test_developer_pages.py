"""The developer pages as each role finds them: empty, full, near the end, over it, unlimited, in the sandbox."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from apps.accounts.models import Organization
from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import Terms
from apps.accounts.services.sandbox import sandbox_of
from apps.core.ids import new_id
from apps.usage.limits import set_limits
from apps.usage.services.summing import sum_up
from tests.common.bills import make_subscription
from tests.common.roles import actor_of, client_of, make_organization
from tests.common.usage import call

pytestmark = pytest.mark.django_db
PAGES = ("/developer", "/developer/api-keys", "/developer/usage", "/developer/plans")
NOW = datetime(2026, 3, 27, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _march() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def text(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, address
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("role", ["owner", "teammate", "developer", "billing", "viewer"])
@pytest.mark.parametrize("page", PAGES)
def test_every_role_sees_how_the_organization_stands(page, role, organization, request):
    set_limits(organization, "pro")
    call(organization, 8_240)
    found = text(client_of(request.getfixturevalue(role)), page)
    if page != "/developer/plans":
        assert '8,240 <span class="unit">of 10,000</span>' in found
        assert 'aria-valuetext="8,240 of 10,000 calls"' in found
        assert "1 April 2026, 00:00 UTC" in found
    assert "82 % of the calls are used. 1,760 are left until 1 April 2026." in found


@pytest.mark.parametrize("page", PAGES)
def test_others_see_nothing_of_it(page, organization, owner, outsider):
    call(organization, 4_321, user_id=owner.pk)
    api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("Warehouse robot"))
    stranger = Client().get(page)
    assert stranger.status_code == 302
    assert "/login/" in stranger["Location"]
    found = text(client_of(outsider), page)
    for hidden in ("4,321", "Warehouse robot", organization.name, owner.name):
        assert hidden not in found, hidden
    asked = client_of(outsider).get(page, {"organization": organization.public_id})
    assert organization.name not in asked.content.decode()


def test_nobody_without_an_organization(staff):
    for page in PAGES:
        assert client_of(staff).get(page)["Location"] == "/organizations/new"


def test_empty_pages_say_what_to_do_next(organization, owner):
    client = client_of(owner)
    usage = text(client, "/developer/usage")
    assert "No calls in 30 days" in usage
    assert "<svg" in usage
    assert "chart" not in usage.partition("<main")[2]
    assert "Get API key" in text(client, "/developer")
    assert "No key yet" in text(client, "/developer/api-keys")


def test_the_keys_page_tells_what_each_key_was_used_for(organization, owner):
    issued = api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("Billing server"))
    call(organization, 1_900, key_id=issued.key.pk, user_id=owner.pk, at=NOW - timedelta(days=2))
    sum_up()
    call(organization, 3, key_id=issued.key.pk, user_id=owner.pk)
    call(organization, 7, user_id=owner.pk, category="me")
    found = text(client_of(owner), "/developer/api-keys")
    assert "1,903 calls in 30 days" in found
    assert "last 30 days, UTC" in found
    named = f"Billing server ({issued.key.last_four})"
    assert f'<span class="key hue-1">{named}</span>' in found
    assert f"<title>27 March 2026: 3 calls, {named}</title>" in found, "today is there before the hourly job came"
    assert "<title>27 March 2026: 7 calls, Without a key</title>" in found
    assert "<title>27 March 2026: 7 calls, me</title>" in found


def test_where_no_further_key_is_offered_the_page_says_what_else_to_do(organization, owner):
    actor = actor_of(owner, organization)
    api_keys.create_key(actor, organization, "live", Terms("Server"))
    found = text(client_of(owner), "/developer/api-keys")
    assert ("New key" in found, "To replace one, rotate it" in found) == (True, False)
    assert ('value="test"' in found, 'value="live"' in found) == (True, False), "what is taken is not offered"
    api_keys.create_key(actor, organization, "test", Terms("Trials"))
    found = text(client_of(owner), "/developer/api-keys")
    assert ("New key" in found, "To replace one, rotate it" in found) == (False, True)


def test_the_usage_page_divides_the_calls(organization, owner, developer):
    gone = new_id()
    for number in range(12):
        call(organization, 100 - number, category=f"part{number:02}", user_id=owner.pk, at=NOW - timedelta(days=number))
    call(organization, 5, category="part00", user_id=developer.pk)
    call(organization, 2, category="part00", user_id=gone, key_id=gone)
    found = text(client_of(owner), "/developer/usage")
    assert "1,141 in 30 days" in found
    for label, figure in (
        ("Calls a day", "38.0"),
        ("Busiest day", "107"),
        ("Active keys", "1"),
        ("Active people", "3"),
    ):
        assert f'<span class="stat-label">{label}</span><span class="stat-value">{figure}</span>' in found, label
    assert '<span class="delta muted">27 Mar 2026</span>' in found
    assert '<td class="breaks"><code>part00</code></td><td class="num">107</td><td class="num">9.4 %</td>' in found
    assert '<td class="breaks">2 others</td><td class="num">179</td>' in found
    assert f'<td class="breaks">{owner.name}</td><td class="num">1,134</td>' in found
    assert f'<td class="breaks">{developer.name}</td><td class="num">5</td>' in found
    assert '<td class="breaks">Somebody who left</td><td class="num">2</td>' in found
    assert '<td class="breaks">Deleted key</td><td class="num">2</td>' in found
    assert '<td class="when">27 Mar 2026</td><td class="num">107</td>' in found
    assert found.count('<td class="when">') == 12, "days without calls are left out"


def test_at_the_end_of_a_hard_quota(organization, owner, viewer):
    set_limits(organization, "sandbox")
    call(organization, 1_000)
    found = text(client_of(owner), "/developer")
    assert '<div class="notice bad" role="alert">' in found
    assert "further ones are refused until 1 April 2026" in found
    assert "Further calls are refused (429) until the next month begins." in found
    assert "100 % used, 0 left" in found
    assert 'max="1000" value="1000" low="800" high="999"' in found
    assert '<a href="/developer/plans">Compare plans</a><a href="/billing/credits">Buy credits</a>' in found
    assert "/billing/credits" not in text(client_of(viewer), "/developer"), "who may not buy"


def test_over_a_soft_quota(organization, owner):
    set_limits(organization, "usage_developer")
    call(organization, 12_400)
    found = text(client_of(owner), "/developer")
    assert '<div class="notice wait">' in found
    assert "The included calls are used up. Further ones pass, at $3.00 per 1,000: 2,400 so far." in found
    assert "2,400 beyond the quota" in found
    assert 'max="10000" value="10000" low="8000" high="10000"' in found, "beyond its end no meter is valid"


def test_any_number_of_calls(organization, owner):
    set_limits(organization, "enterprise")
    call(organization, 123_456)
    for page in ("/developer", "/developer/usage"):
        found = text(client_of(owner), page)
        assert '<span class="stat-value">123,456</span>' in found
        assert "any number is included" in found
        assert "<meter" not in found
        assert '<div class="notice ' not in found


def test_no_calls_at_all(organization, owner):
    set_limits(organization, "pro", calls=0)
    found = text(client_of(owner), "/developer/usage")
    assert "none are included" in found
    assert "calls are used up" in found
    assert "<meter" not in found


def test_a_sandbox_counts_days(organization, owner):
    Organization.objects.filter(pk=organization.pk).update(livemode=False)
    organization.refresh_from_db()
    call(organization, 100)
    found = text(client_of(owner, organization), "/developer/usage")
    assert "Calls today" in found
    assert '100 <span class="unit">of 100</span>' in found
    assert "28 March 2026, 00:00 UTC" in found
    assert "calls are used up: further ones are refused until 00:00 UTC" in found
    assert "Compare plans" not in found


def test_the_overview_tells_of_the_sandbox(organization, owner):
    assert "In the sandbox" not in text(client_of(owner, organization), "/developer")
    call(sandbox_of(organization, owner), 100)
    found = text(client_of(owner, organization), "/developer")
    assert '100 of 100 calls today · <a href="/developer/requests?environment=test">' in found
    assert "Today&#x27;s calls are used up" in found


def test_plans_are_compared_and_ones_own_is_marked(organization, owner):
    set_limits(organization, "pro", calls=20_000)
    found = text(client_of(owner), "/developer/plans")
    for words in ("$19.00", "$199.00", "$29.00", "$99.00", "$299.00", "$3.00", "$2.00", "$1.50", "Community", "SLA"):
        assert words in found, words
    prices = found.count('<span class="sub">7-day refund</span>')
    assert prices == 5, "each price says how long it is refunded"
    row = found.partition('<tr aria-current="true">')[2].partition("</tr>")[0]
    assert "Pro" in row
    assert "Your plan" in row
    assert found.count("Your plan") == 1
    assert "Limits of your own go before those of Pro: 20,000 calls a month, 300 a minute." in found
    assert found.count("Upgrade via Stripe<span") == 4
    assert "50 % off the first bill with the code LAUNCH50." in found


def test_a_plan_that_is_paid_is_changed(organization, owner, viewer):
    row = make_subscription(organization, "api_usage_professional")
    set_limits(organization, "usage_professional")
    found = text(client_of(owner), "/developer/plans")
    assert (found.count("Upgrade<span"), found.count("Switch<span")) == (2, 2)
    assert f"/billing/subscriptions/{row.public_id}/change?price=api_pro_monthly" in found
    found = text(client_of(viewer), "/developer/plans")
    assert "/billing" not in found.partition("<main")[2], "who may not buy is offered nothing"
    assert "An owner, an admin or whoever manages billing can change the plan." in found


def test_names_cannot_become_markup(owner):
    organization = make_organization(owner, "<b>Bad</b> & Sons")
    issued = api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("<img src=x>"))
    call(organization, 3, key_id=issued.key.pk)
    for page in PAGES:
        found = text(client_of(owner, organization), page)
        assert "<img src=x" not in found
        assert "<b>Bad" not in found
