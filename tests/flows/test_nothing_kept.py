"""After purchases, refunds and disputes: no key, no secret and nothing of a card in any row, log or page.

What pages show of a payment method (brand, last four digits, expiry) is no secret, nor are Stripe's own ids.
"""

import logging
import re

import pytest
from django.apps import apps as django_apps
from django.core import serializers

from apps.billing.services import refunds
from apps.integrations.models import ExternalEvent
from apps.integrations.stripe.fake.disputes import open_dispute
from tests.common.roles import client_of

pytestmark = pytest.mark.django_db
FORBIDDEN = re.compile(r"[sr]k_(test|live)_|whsec_|client_secret|_secret_\w|fingerprint|\b4\d{15}\b|\bcvc\b", re.I)


@pytest.fixture
def used(shop, owner, staff, organization):
    def story():
        shop.buy(owner, organization, "api_pro_monthly")
        shop.buy(owner, organization, "credits_1000", quantity=2)
        refunds.order_refund(shop.payment(organization), 300, reason="duplicate", note="", by=staff)
        shop.settle()
        with shop.world.atomic():
            open_dispute(shop.world, shop.world.find("charge")[0])
        shop.settle()
        return shop

    return story


def test_no_row_holds_any_of_it(used):
    used()
    assert ExternalEvent.objects.count() > 20
    found = []
    for model in django_apps.get_models(include_auto_created=True):
        rows = serializers.serialize("json", model._base_manager.all())
        found += [f"{model._meta.label}: {match.group()}" for match in FORBIDDEN.finditer(rows)]
    assert not found


def test_no_log_tells_it(used, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3.connectionpool")  # quiet by our own settings
    shop = used()
    shop.fake.faults.clear()
    told = caplog.text + "".join(capfd.readouterr())
    assert "/v1/refunds" in told, "what was asked of Stripe was logged"
    assert not FORBIDDEN.search(told)


@pytest.mark.parametrize("address", ["/billing", "/billing/invoices", "/billing/credits"])
def test_no_page_shows_it(used, owner, organization, address):
    used()
    page = client_of(owner, organization).get(address)
    assert page.status_code == 200
    assert not re.search(r"[sr]k_test_|whsec_|client_secret|\b4\d{15}\b", page.content.decode())
