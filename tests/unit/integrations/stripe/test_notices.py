"""Whoever pays with what is no money is told so first."""

from typing import Any

import pytest

from apps.integrations.stripe.notices import fake_payments_notice

KEY = "a1" * 20


@pytest.mark.parametrize(
    ("key", "fake", "words"),
    [
        (f"sk_test_{KEY}", True, "Test payments: no money moves."),
        (f"sk_test_{KEY}", False, "Stripe's test mode: no money moves."),
        (f"rk_test_{KEY}", False, "Stripe's test mode: no money moves."),
        (f"sk_live_{KEY}", False, ""),
        ("", False, ""),
    ],
)
def test_the_notice(settings: Any, key: str, fake: bool, words: str) -> None:
    settings.STRIPE_API_KEY, settings.STRIPE_IS_FAKE = key, fake
    assert fake_payments_notice().get("title", "") == words
