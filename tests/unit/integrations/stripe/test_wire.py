"""The library's errors in our words: what may be repeated, what may have happened, and that nobody's data is told."""

import logging
from typing import Any

import pytest
import requests
import stripe
from structlog.testing import capture_logs
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from apps.core.errors import DomainError
from apps.integrations.stripe.errors import StripeMissingError, StripeRefusedError, StripeUnavailableError
from apps.integrations.stripe.wire import explained

PERSONAL = "Ada Lovelace ada@example.com sk_test_a1a1a1a1 cus_secret"


def answer(status: int, headers: dict[str, str] | None = None, **error: Any) -> stripe.StripeError:
    """What the library raises for an answer of Stripe's."""
    body = {"error": {"message": PERSONAL, **error}}
    requestor = stripe.StripeClient("sk_test_x")._requestor
    with pytest.raises(stripe.StripeError) as raised:
        requestor.handle_error_response(str(body), status, body, {"request-id": "req_1", **(headers or {})}, "V1")
    return raised.value


def told(error: stripe.StripeError) -> DomainError:
    with pytest.raises(DomainError) as raised, capture_logs() as logs, explained():
        raise error
    for text in (str(raised.value), repr(raised.value), str(raised.value.extra), str(logs)):
        assert "Ada" not in text
        assert "sk_test" not in text
        assert "cus_secret" not in text
    assert (raised.value.__cause__, raised.value.__suppress_context__) == (None, True)
    return raised.value


@pytest.mark.parametrize(
    ("status", "headers", "error", "transient", "ambiguous"),
    [
        (401, {}, {"type": "invalid_request_error"}, True, False),
        (403, {}, {"type": "invalid_request_error"}, True, False),
        (409, {}, {"type": "idempotency_error", "code": "idempotency_key_in_use"}, True, True),
        (429, {}, {"type": "invalid_request_error", "code": "lock_timeout"}, True, False),
        (400, {}, {"type": "invalid_request_error", "code": "rate_limit"}, True, False),
        (500, {}, {"type": "api_error"}, True, True),
        (500, {"Stripe-Should-Retry": "false"}, {"type": "api_error"}, False, True),
        (503, {"stripe-should-retry": "true"}, {"type": "api_error"}, True, True),
    ],
)
def test_no_answer_of_use(
    status: int, headers: dict[str, str], error: dict[str, str], transient: bool, ambiguous: bool
) -> None:
    found = told(answer(status, headers, **error))
    assert isinstance(found, StripeUnavailableError)
    assert (found.transient, found.ambiguous, found.status) == (transient, ambiguous, 503)


@pytest.mark.parametrize(
    ("given", "seconds"), [("30", 30), ("", 5), ("soon", 5), ("-1", 5), ("9999999", 3600), ("9" * 30, 5), ("²", 5)]
)
def test_stripe_says_how_long_to_wait(given: str, seconds: int) -> None:
    found = told(answer(429, {"Retry-After": given}, type="invalid_request_error"))
    assert found.extra["retry_after"] == seconds


@pytest.mark.parametrize(
    ("cause", "ambiguous"),
    [
        (requests.ConnectTimeout("x"), False),
        (
            requests.ConnectionError(
                MaxRetryError(HTTPConnectionPool("h"), "/", NewConnectionError(HTTPConnectionPool("h"), "refused"))  # type: ignore[arg-type]
            ),
            False,
        ),
        (requests.ReadTimeout("x"), True),
        (requests.ConnectionError(ProtocolError("Connection aborted.")), True),
        (None, True),
    ],
)
def test_what_was_never_sent_has_not_happened(cause: Exception | None, ambiguous: bool) -> None:
    error = stripe.APIConnectionError(PERSONAL)
    error.__cause__ = cause
    found = told(error)
    assert isinstance(found, StripeUnavailableError)
    assert (found.transient, found.ambiguous) == (True, ambiguous)


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, {"code": "charge_already_refunded"}, "charge_already_refunded"),
        (400, {"code": "resource_missing", "param": "line_items[0][price]"}, "resource_missing"),
        (400, {"type": "idempotency_error"}, "idempotency_error"),
        (404, {}, "refused_by_stripe"),
        (400, {}, "refused_by_stripe"),
        (400, {"message": "An event already exists with identifier u_1."}, "duplicate_meter_event"),
        (400, {"message": "Refund amount ($2.00) is greater than unrefunded amount on charge"}, "amount_too_large"),
        (400, {"message": "Refund amount ($2.00) is greater than charge amount"}, "amount_too_large"),
    ],
)  # fmt: skip
def test_what_is_refused_for_good(status: int, error: dict[str, str], code: str) -> None:
    found = told(answer(status, **{"type": "invalid_request_error", **error}))
    assert isinstance(found, StripeRefusedError)
    assert (found.code, found.status, found.request_id) == (code, 422, "req_1")
    assert found.param == error.get("param", "")
    assert not found.is_payment_failure


def test_a_declined_card_is_told_to_who_pays() -> None:
    words = {"message": "Your card has insufficient funds.", "code": "card_declined"}
    found = told(answer(402, type="card_error", decline_code="insufficient_funds", **words))
    assert isinstance(found, StripeRefusedError)
    assert (found.code, found.status, str(found)) == ("payment_failed", 402, "Your card has insufficient funds.")
    assert (found.stripe_code, found.decline_code) == ("card_declined", "insufficient_funds")
    assert found.extra == {"decline_code": "insufficient_funds"}
    assert found.is_payment_failure


def test_another_failure_to_pay_is_not() -> None:
    assert str(told(answer(402, type="invalid_request_error"))) == "Refused by the payment provider"


def test_what_is_not_there() -> None:
    assert isinstance(
        told(answer(404, type="invalid_request_error", code="resource_missing", param="id")), StripeMissingError
    )


def test_the_library_logs_nothing_of_what_it_hears() -> None:
    assert logging.getLogger("stripe").getEffectiveLevel() == logging.WARNING
    assert not stripe.enable_telemetry
