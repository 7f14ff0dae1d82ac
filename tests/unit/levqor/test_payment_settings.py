"""Which Stripe an installation talks to."""

import pytest
from cryptography.fernet import Fernet
from django.conf import settings

from levqor.env import STRIPE_KEY, STRIPE_SECRET, Environment
from levqor.settings import payments

TEST_KEY, LIVE_KEY = "sk_test_" + "a1" * 20, "sk_live_" + "a1" * 20
SECRET = "whsec_" + "b2" * 16


def local(**given: object) -> Environment:
    return Environment(_env_file=None, **given)  # type: ignore[call-arg, arg-type]


def production(**given: object) -> Environment:
    needed = {
        "LEVQOR_ENV": "production",
        "SECRET_KEY": "x" * 60,
        "ENCRYPTION_KEYS": [Fernet.generate_key().decode()],
        "ALLOWED_HOSTS": ["levqor.example"],
        "SITE_URL": "https://levqor.example",
    }
    return local(**needed, **given)


def test_a_local_installation_without_a_key_has_a_fake_that_all_processes_know() -> None:
    env = local()
    assert payments.is_fake(env)
    assert payments.fake_runs_here(env)
    key, (secret,) = payments.api_key(env, "s"), payments.webhook_secrets(env, "s")
    assert STRIPE_KEY.fullmatch(key)
    assert STRIPE_SECRET.fullmatch(secret)
    assert (key, [secret]) == (payments.api_key(local(), "s"), payments.webhook_secrets(local(), "s"))
    assert key != payments.api_key(env, "another")
    assert key.removeprefix("sk_test_") != secret.removeprefix("whsec_")
    assert payments.api_url(env) == "http://127.0.0.1:8001"
    assert payments.page_origins(env) == ["http://127.0.0.1:8001"]


@pytest.mark.parametrize(
    ("given", "asked", "shown"),
    [
        ({"HOST": "0.0.0.0", "PORT": 80}, "http://127.0.0.1:81", "http://127.0.0.1:81"),  # noqa: S104
        ({"HOST": "::", "SITE_URL": "http://[::1]:8000"}, "http://127.0.0.1:8001", "http://[::1]:8001"),
        ({"SITE_URL": "http://localhost:8000"}, "http://127.0.0.1:8001", "http://localhost:8001"),
        ({"HOST": "::", "SITE_URL": "http://box.lan:8000"}, "http://127.0.0.1:8001", "http://box.lan:8001"),
    ],
)
def test_people_see_the_fake_where_they_see_the_platform(given: dict[str, object], asked: str, shown: str) -> None:
    env = local(**given)
    assert (payments.api_url(env), payments.fake_page_url(env)) == (asked, shown)
    assert set(payments.page_origins(env)) == {asked, shown}


def test_a_fake_that_runs_elsewhere() -> None:
    env = local(STRIPE_API_URL="http://127.0.0.1:9999/", STRIPE_WEBHOOK_SECRET=[SECRET])
    assert payments.is_fake(env)
    assert not payments.fake_runs_here(env)
    assert payments.api_url(env) == "http://127.0.0.1:9999"
    assert payments.webhook_secrets(env, "s") == [SECRET]
    assert payments.page_origins(env) == ["http://127.0.0.1:9999"]


def test_with_a_key_it_is_stripe() -> None:
    env = local(STRIPE_API_KEY=TEST_KEY, STRIPE_WEBHOOK_SECRET=[SECRET])
    assert not payments.is_fake(env)
    assert (payments.api_key(env, "s"), payments.webhook_secrets(env, "s")) == (TEST_KEY, [SECRET])
    assert payments.api_url(env) == ""
    assert payments.page_origins(env) == ["https://checkout.stripe.com", "https://billing.stripe.com"]
    assert payments.webhook_secrets(local(STRIPE_API_KEY=TEST_KEY), "s") == []


def test_production_has_no_fake() -> None:
    env = production()
    assert not payments.is_fake(env)
    assert (payments.api_key(env, "s"), payments.webhook_secrets(env, "s"), payments.api_url(env)) == ("", [], "")
    assert payments.api_key(production(STRIPE_API_KEY=LIVE_KEY), "s") == LIVE_KEY


def test_forms_may_lead_to_the_payment_pages() -> None:
    allowed = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"]
    assert set(payments.page_origins(settings.ENV)) <= set(allowed)
    assert "http://127.0.0.1:8001" in allowed


def test_the_derived_key_tells_nothing_of_the_secret_key() -> None:
    assert "hush" not in payments.api_key(local(), "hush")
