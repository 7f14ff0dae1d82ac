"""Which Stripe is asked, with whose key, and what is refused."""

import uuid
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import render_to_string
from django.test import RequestFactory

from apps.core.kinds import CredentialProvider
from apps.core.registry import contributed
from apps.integrations.context_processors import payments_notice
from apps.integrations.stripe import connection
from apps.integrations.stripe.errors import PaymentsNotSetUpError
from apps.integrations.stripe.gateway import StripeGateway

TEST_KEY, LIVE_KEY = "sk_test_" + "a1" * 20, "sk_live_" + "a1" * 20
REALM = uuid.uuid4()


def own_key(key: str) -> Any:
    """A realm that has a key of its own."""
    return contributed(
        CredentialProvider(
            name="own", vendor="stripe", find=lambda realm_id: {"api_key": key} if realm_id == REALM else None
        )
    )


def address_of(gateway: Any) -> str:
    return str(gateway._stripe._requestor.base_addresses["api"])


def test_the_same_key_has_the_same_gateway(settings: Any) -> None:
    assert connection.stripe() is connection.stripe()
    assert address_of(connection.stripe()) == settings.STRIPE_API_URL
    assert connection.is_fake()


def test_a_realm_pays_into_its_own_account() -> None:
    with own_key("rk_test_" + "c3" * 20):
        own = connection.stripe(REALM)
        assert own is not connection.stripe()
        assert address_of(own) == "https://api.stripe.com"
        assert not connection.is_fake(REALM)
        assert connection.is_fake()


def test_without_a_key_nothing_can_be_bought(settings: Any) -> None:
    settings.STRIPE_API_KEY = ""
    with pytest.raises(PaymentsNotSetUpError) as refused:
        connection.stripe()
    assert (refused.value.code, refused.value.status) == ("payments_not_set_up", 503)


@pytest.mark.parametrize(("environment", "debug"), [("local", False), ("production", True)])
def test_a_live_key_is_for_production_alone(settings: Any, environment: str, debug: bool) -> None:
    settings.LEVQOR_ENV, settings.DEBUG = environment, debug
    for scene in (own_key(LIVE_KEY), own_key(LIVE_KEY.replace("sk", "rk"))):
        with scene, pytest.raises(ImproperlyConfigured) as refused:
            connection.stripe(REALM)
        assert "a1a1" not in str(refused.value)
    settings.STRIPE_API_KEY = LIVE_KEY
    with pytest.raises(ImproperlyConfigured):
        connection.stripe()
    settings.LEVQOR_ENV, settings.DEBUG = "production", False
    assert isinstance(connection.stripe(), StripeGateway)


def test_a_gateway_shows_no_key() -> None:
    gateway = StripeGateway(TEST_KEY, "http://127.0.0.1:9")
    assert TEST_KEY not in f"{gateway!r} {gateway} {vars(gateway)}"


@pytest.mark.parametrize("fake", [True, False])
def test_pages_before_a_payment_say_that_no_money_moves(settings: Any, fake: bool) -> None:
    settings.STRIPE_IS_FAKE = fake
    settings.STRIPE_API_KEY = settings.STRIPE_API_KEY if fake else f"sk_live_{'0' * 24}"
    page = render_to_string(
        "integrations/test_payments_notice.html", payments_notice(RequestFactory().get("/billing/"))
    )
    assert ("Test payments: no money moves." in page) is fake
    assert bool(page.strip()) is fake
