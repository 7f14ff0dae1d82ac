"""Which Stripe this installation talks to, and where its payment pages are.

Without a key, on one machine, it is a fake one, which `make run` starts. Its key and secret follow from SECRET_KEY, so
that all processes know them without being told.
"""

import hashlib
import hmac
from urllib.parse import urlsplit

from levqor.env import Environment

STRIPE_PAGES = ["https://checkout.stripe.com", "https://billing.stripe.com"]


def is_fake(env: Environment) -> bool:
    """Whether no money moves: a local installation that nobody gave a key."""
    return env.LEVQOR_ENV == "local" and not env.STRIPE_API_KEY


def fake_runs_here(env: Environment) -> bool:
    """Whether `make run` has to start it."""
    return is_fake(env) and not env.STRIPE_API_URL


def fake_port(env: Environment) -> int:
    """Where it listens: always set once the settings were checked."""
    return env.STRIPE_FAKE_PORT or env.PORT + 1


def api_key(env: Environment, secret_key: str) -> str:
    """The key that calls are made with; empty where payments are not set up."""
    return f"sk_test_{_derived(secret_key, 'api key')}" if is_fake(env) else env.STRIPE_API_KEY


def webhook_secrets(env: Environment, secret_key: str) -> list[str]:
    """What events may be signed with."""
    if is_fake(env) and not env.STRIPE_WEBHOOK_SECRET:
        return [f"whsec_{_derived(secret_key, 'webhook secret')}"]
    return env.STRIPE_WEBHOOK_SECRET


def api_url(env: Environment) -> str:
    """Where calls go; empty for Stripe itself."""
    if fake_runs_here(env):
        return f"http://{_local_host(env)}:{fake_port(env)}"
    return env.STRIPE_API_URL


def fake_page_url(env: Environment) -> str:
    """Where people find the fake's pages: beside our own."""
    site = urlsplit(env.SITE_URL)
    host = f"[{site.hostname}]" if ":" in (site.hostname or "") else site.hostname
    return f"http://{host}:{fake_port(env)}"


def fake_environment(env: Environment, secret_key: str) -> dict[str, str]:
    """What the fake's line in the Procfile reads."""
    return {
        "SITE_URL": env.SITE_URL,
        "LEVQOR_VAR": str(env.LEVQOR_VAR),
        "STRIPE_FAKE_PORT": str(fake_port(env)),
        "STRIPE_FAKE_ADDRESS": fake_page_url(env),
        "STRIPE_FAKE_API_KEY": api_key(env, secret_key),
        "STRIPE_FAKE_WEBHOOK_SECRET": webhook_secrets(env, secret_key)[0],
    }


def page_origins(env: Environment) -> list[str]:
    """Where our forms may lead somebody who pays."""
    if not is_fake(env):
        return STRIPE_PAGES
    return sorted({api_url(env), fake_page_url(env)}) if fake_runs_here(env) else [api_url(env)]


def _local_host(env: Environment) -> str:
    if env.HOST in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{env.HOST}]" if ":" in env.HOST else env.HOST


def _derived(secret_key: str, purpose: str) -> str:
    return hmac.new(secret_key.encode(), f"levqor stripe fake {purpose}".encode(), hashlib.sha256).hexdigest()[:48]
