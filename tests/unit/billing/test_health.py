"""A release brings what is sold to Stripe, and the doctor knows where it did not."""

import io

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from apps.billing import health
from apps.billing.catalogue import catalogue
from apps.billing.models import PriceAtStripe
from apps.integrations.stripe.fake.server import Fault
from tests.common.shopping import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def keyed(empty_shop: Shop, settings: LazySettings) -> Shop:
    """As with a key of Stripe's: nothing is pushed when somebody first asks."""
    settings.STRIPE_IS_FAKE = False
    return empty_shop


def release() -> str:
    out = io.StringIO()
    call_command("release", stdout=out)
    return out.getvalue()


def test_a_release_puts_everything_on_sale(keyed: Shop) -> None:
    PriceAtStripe.objects.all().delete()
    state, words = health.on_sale()
    assert state == "failed"
    assert "manage.py sync_catalogue" in words
    assert "changed at Stripe" in release()
    assert health.on_sale()[0] == "ok"
    assert "catalogue      up to date" in release()


def test_one_price_that_is_missing_is_named(keyed: Shop) -> None:
    release()
    code = next(iter(catalogue().products.values())).price.code
    PriceAtStripe.objects.filter(code=code).update(is_current=False)
    state, words = health.on_sale()
    assert state == "failed"
    assert f"({code})" in words


def test_a_release_goes_on_without_stripe_and_says_so(keyed: Shop) -> None:
    keyed.fake.faults.append(Fault())
    assert "catalogue      NOT DONE: The payment provider can't answer right now." in release()


def test_without_a_key_nothing_is_asked(settings: LazySettings) -> None:
    settings.STRIPE_IS_FAKE, settings.STRIPE_API_KEY = False, ""
    assert "not pushed: payments are not set up" in release()
    assert health.on_sale()[0] == "warning"


def test_the_fake_is_told_when_somebody_first_asks(shop: Shop) -> None:
    before = len(shop.fake.requests)
    assert "catalogue      for test payments" in release()
    assert len(shop.fake.requests) == before
    assert health.on_sale()[0] == "ok"
