"""What looks like a secret leaves no text, and plain words stay."""

import pytest

from apps.core.logs import REMOVED
from apps.core.scrubbing import scrub, scrub_data

KEY = "abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {KEY}",
        f"password={KEY}",
        f'{{"api_key": "{KEY}"}}',
        f"DB_PASSWORD = '{KEY} with spaces'",
        f"X-Api-Key: {KEY}",
        f"sk_live_{KEY}",
        f"rk_test_{KEY}",
        f"whsec_{KEY}",
        f"lvq_live_{KEY}",
        f"ghp_{KEY}",
        f"xoxb-{KEY}",
        f"eyJhbGciOiJIUzI1NiJ9.{KEY}.{KEY}",
        f"postgres://levqor:{KEY}@db/levqor",
        f"redis://:{KEY}@redis/0",
        f"https://hooks.slack.com/services/T00/B00/{KEY}",
        f"bot 123456789:{KEY}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_secrets_go(text):
    found = scrub(f"It failed: {text} (at nine)")
    assert KEY not in found
    assert REMOVED in found
    assert found.startswith("It failed: ")


@pytest.mark.parametrize(
    "text",
    [
        "Worker w1 has not been seen since 2026-11-28 09:00 UTC.",
        "run_01m7vv2xh0e14avfxr5vk977ya of org_01m7vv2xh0e14avfxr5vk977ya failed at https://levqor.example.com/runs?state=failed",
        "The token bucket is full; 12 secrets are stored.",
        "answered 401: Unauthorized",
        "job weekly_pulse: 14:00 London",
    ],
)
def test_plain_words_stay(text):
    assert scrub(text) == text


def test_our_own_secrets_go_whatever_they_look_like(settings):
    settings.SECRET_KEY = "plain words of ours"
    settings.ALERT_URLS = ["json://example.com/quiet-path"]
    assert scrub("a plain words of ours b json://example.com/quiet-path c") == f"a {REMOVED} b {REMOVED} c"


def test_data_goes_by_the_names_of_its_members():
    data = {"token": KEY, "list": [f"password={KEY}", {"client_secret": 1}], "n": 5}
    assert scrub_data(data) == {"token": REMOVED, "list": [f"password={REMOVED}", {"client_secret": REMOVED}], "n": 5}
