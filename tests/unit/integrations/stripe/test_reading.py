"""Stripe's objects in our words: what may be missing, what is expanded or not, and how things are called."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apps.integrations.stripe import reading, reading_catalogue

MOMENT = 1772442000
SPOKEN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (
            {"type": "card", "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2031}},
            "Visa •••• 4242, 12/2031",
        ),
        (
            {"type": "card", "card": {"brand": "amex", "last4": "0005", "exp_month": 1, "exp_year": 2030}},
            "American Express •••• 0005, 01/2030",
        ),
        (
            {"type": "card", "card": {"brand": "new_brand", "last4": "1", "exp_month": 1, "exp_year": 2030}},
            "New brand •••• 1, 01/2030",
        ),
        ({"type": "sepa_debit", "sepa_debit": {"last4": "3000"}}, "SEPA debit •••• 3000"),
        ({"type": "us_bank_account", "us_bank_account": {"last4": "6789"}}, "US bank account •••• 6789"),
        ({"type": "link", "link": {"email": "ada@example.com"}}, "Link"),
        ({"type": "paypal"}, "Paypal"),
    ],
)
def test_a_payment_method_in_words(raw: dict[str, Any], words: str) -> None:
    assert reading.method_in_words(raw) == words


def test_a_customer_with_nothing() -> None:
    found = reading.customer({"id": "cus_1", "object": "customer", "email": None, "currency": None, "metadata": None})
    assert (found.email, found.name, found.currency, found.method, found.tax_ids) == ("", "", "", "", ())


@pytest.mark.parametrize(
    ("given", "plain"), [("0.15", "0.15"), ("1500", "1500"), (50.0, "50"), ("12.50", "12.5"), ("0", "0"), (None, "")]
)
def test_decimals_are_plain(given: Any, plain: str) -> None:
    assert reading.plain(given) == plain


def price(**more: Any) -> dict[str, Any]:
    return {"id": "price_1", "product": "pro", "lookup_key": None, "currency": "usd", "active": True, **more}


def test_a_price_for_once_and_one_by_usage() -> None:
    once = reading_catalogue.price(price(unit_amount_decimal="4900", recurring=None))
    assert (once.amount, once.interval, once.meter, once.currency, once.lookup_key) == ("4900", "", "", "USD", "")
    recurring = {"interval": "month", "meter": "mtr_1", "usage_type": "metered"}
    usage = reading_catalogue.price(price(unit_amount_decimal="0.15", recurring=recurring, lookup_key="calls"))
    assert (usage.amount, usage.interval, usage.meter, usage.lookup_key) == ("0.15", "month", "mtr_1", "calls")


def subscription(**more: Any) -> dict[str, Any]:
    period = {"current_period_start": MOMENT, "current_period_end": MOMENT + 100}
    later = {**period, "current_period_end": MOMENT + 200}
    metered = price(id="price_2", recurring={"usage_type": "metered"})
    items = [
        {"id": "si_1", "price": price(recurring={"usage_type": "licensed"}), "quantity": 3, **period},
        {"id": "si_2", "price": metered, **later},
    ]
    return {
        "id": "sub_1", "customer": {"id": "cus_1"}, "status": "active", "currency": "usd", "items": {"data": items},
        "created": MOMENT, "cancel_at": None, "metadata": {"a": "b"}, **more,
    }  # fmt: skip


def test_a_subscription() -> None:
    found = reading.subscription(subscription())
    assert found.customer == "cus_1"
    assert [(item.quantity, item.metered) for item in found.items] == [(3, False), (0, True)]
    assert found.period_end == reading.moment(MOMENT + 100)
    assert (found.cancel_at, found.trial_end, found.ended_at) == (None, None, None)
    assert found.created == SPOKEN
    ends = reading.subscription(subscription(cancel_at=MOMENT + 5, cancel_at_period_end=False))
    assert ends.cancel_at == reading.moment(MOMENT + 5)
    assert reading.subscription(subscription(cancel_at_period_end=True)).cancel_at == reading.moment(MOMENT + 200)


def line(**more: Any) -> dict[str, Any]:
    return {"id": "il_1", "amount": 1000, "description": None, "period": {"start": MOMENT, "end": MOMENT}, **more}


def test_lines_of_each_origin() -> None:
    by_id = reading.line(line(pricing={"price_details": {"price": "price_1", "product": "pro"}}))
    assert (by_id.price, by_id.lookup_key, by_id.quantity) == ("price_1", "", 0)
    whole = reading.line(
        line(
            pricing={"price_details": {"price": price(lookup_key="pro_monthly")}},
            parent={"subscription_item_details": {"proration": True, "subscription_item": "si_1"}},
            quantity=3,
        )
    )
    assert (whole.lookup_key, whole.is_proration, whole.subscription_item) == ("pro_monthly", True, "si_1")
    charged = reading.line(line(pricing=None, parent={"invoice_item_details": {"proration": True}}))
    assert (charged.price, charged.is_proration, charged.subscription_item) == ("", True, "")


def payment(**more: Any) -> dict[str, Any]:
    return {
        "id": "pi_1", "status": "succeeded", "currency": "eur", "amount": 1000, "amount_received": 1000,
        "created": MOMENT, "customer": None, "latest_charge": None, "last_payment_error": None, **more,
    }  # fmt: skip


def test_a_fee_that_is_not_worked_out_yet_is_told_from_none() -> None:
    charge = {"id": "ch_1", "created": MOMENT, "amount_refunded": 400, "balance_transaction": None, "receipt_url": None}
    early = reading.payment(payment(latest_charge=charge))
    assert (early.fee, early.fee_currency, early.refunded, early.paid_at) == (0, "", 400, SPOKEN)
    charge["balance_transaction"] = {"id": "txn_1", "fee": 59, "currency": "usd"}
    later = reading.payment(payment(latest_charge=charge))
    assert (later.fee, later.fee_currency, later.currency) == (59, "USD", "EUR")


def test_only_what_is_meant_for_the_payer_is_told_of_a_failure() -> None:
    unpaid = payment(status="requires_payment_method", amount_received=0)
    declined = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}
    assert reading.payment({**unpaid, "last_payment_error": declined}).failure == "Your card was declined."
    broken = {"type": "api_error", "code": "processing_error", "message": "cus_1 of acct_1 is broken"}
    failed = reading.payment({**unpaid, "last_payment_error": broken})
    assert (failed.failure, failed.paid_at) == ("processing_error", None)


def test_what_a_dispute_costs_in_the_end() -> None:
    raw = {
        "id": "dp_1", "payment_intent": "pi_1", "amount": 1000, "currency": "usd", "status": "won", "reason": "general",
        "created": MOMENT, "evidence_details": {"due_by": None}, "balance_transactions": [],
    }  # fmt: skip
    assert (reading.dispute(raw).fee, reading.dispute(raw).fee_currency) == (0, "")
    raw["balance_transactions"] = [{"fee": 1500, "currency": "usd"}, {"fee": -1500, "currency": "usd"}]
    assert (reading.dispute(raw).fee, reading.dispute(raw).fee_currency) == (0, "USD")
