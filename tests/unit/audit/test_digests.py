"""What is hashed, and what is masked before."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import example, given
from hypothesis import strategies as st

from apps.audit.digests import HIDDEN, canonical, clean_data, personal_digest
from apps.audit.errors import AuditDataError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=10), JSON, max_size=4))
@example({"\\u0000": None})
def test_cleaned_data_has_one_spelling_and_cleaning_again_changes_nothing(data: dict[str, object]) -> None:
    try:
        cleaned = clean_data(data)
    except AuditDataError:
        return
    assert clean_data(cleaned) == cleaned
    canonical(cleaned).encode("utf-8")
    written = canonical(cleaned).replace("\\\\", "")  # without backslashes that are text themselves
    assert "\\u0000" not in written


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "new_password",
        "token",
        "refresh-token",
        "apiKey",
        "api_key",
        "Authorization",
        "secret",
        "cookies",
        "client_secret",
        "privateKey",
        "otp",
        "credentials",
    ],
)
def test_members_that_are_called_secrets_are_masked_at_any_depth(key: str) -> None:
    data = {key: "hunter2hunter2", "inside": [{key: {"x": "hunter2"}}]}
    assert "hunter2" not in canonical(clean_data(data))


@pytest.mark.parametrize("key", ["secret_name", "tokens_used", "password_changed_at", "cookie_policy", "key"])
def test_members_about_secrets_are_kept(key: str) -> None:
    assert clean_data({key: "API_TOKEN"}) == {key: "API_TOKEN"}


def test_flags_and_empty_values_tell_no_secret() -> None:
    assert clean_data({"password": True, "token": None, "secret": ""}) == {
        "password": True,
        "token": None,
        "secret": "",
    }


@pytest.mark.parametrize(
    "value",
    [
        "Authorization: Bearer abcdefgh12345678",
        "sk_live_abcdefghijkl1234",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_values_that_look_like_secrets_are_masked(value: str) -> None:
    cleaned = clean_data({"note": f"it said {value}"})
    assert HIDDEN in cleaned["note"]
    assert value not in cleaned["note"]


def test_values_become_plain_json() -> None:
    key = uuid.UUID(int=7)
    cleaned = clean_data(
        {
            "a": 1.5,
            "b": Decimal("2.50"),
            "c": key,
            "d": date(2026, 1, 2),
            "e": datetime(2026, 1, 2, tzinfo=UTC),
            "f": {3, 1, 2},
            "g": (1, 2),
            "h": gettext_lazy("Yes"),
            "i": "nul\x00 and \ud800 half",
            5: "five",
        }  # type: ignore[dict-item] # a number as a key is part of the test
    )
    assert cleaned == {
        "a": "1.5",
        "b": "2.50",
        "c": str(key),
        "d": "2026-01-02",
        "e": "2026-01-02T00:00:00+00:00",
        "f": [1, 2, 3],
        "g": [1, 2],
        "h": "Yes",
        "i": "nul and ? half",
        "5": "five",
    }


def test_long_text_is_clipped() -> None:
    assert clean_data({"text": "x" * 5000})["text"] == "x" * 999 + "…"


@pytest.mark.parametrize("value", [object(), b"bytes", [[[[[[[1]]]]]]]])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(AuditDataError):
        clean_data({"value": value})


def test_a_salt_makes_equal_values_unlike() -> None:
    assert personal_digest("a", "ann@example.com") != personal_digest("b", "ann@example.com")
