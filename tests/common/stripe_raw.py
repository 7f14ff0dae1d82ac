"""Objects as Stripe sends them (API version 2026-05-27), with `LEAK` in all that may not be stored."""

from typing import Any

LEAK = "leak-4711"
MOMENT = 1_780_000_000  # 2026-05-28 20:26:40 UTC
_TIME = {"created": MOMENT, "livemode": False}
ADDRESS = {"city": LEAK, "country": "DE", "line1": LEAK, "line2": None, "postal_code": LEAK, "state": ""}
PERSON = {"address": ADDRESS, "email": LEAK, "name": LEAK, "phone": LEAK, "tax_id": LEAK}
CARD = {
    "amount_authorized": 4900,
    "authorization_code": LEAK,
    "brand": "visa",
    "checks": {"address_line1_check": LEAK, "cvc_check": LEAK},
    "country": "US",
    "exp_month": 12,
    "exp_year": 2031,
    "fingerprint": LEAK,
    "funding": "credit",
    "iin": LEAK,
    "issuer": LEAK,
    "last4": "4242",
    "network": "visa",
    "network_token": {"used": False},
    "network_transaction_id": LEAK,
    "three_d_secure": {"transaction_id": LEAK},
    "wallet": {"dynamic_last4": LEAK, "type": "link"},
}
PAYMENT_METHOD = {
    "id": "pm_1",
    "object": "payment_method",
    "billing_details": PERSON,
    "card": CARD,
    "customer": "cus_1",
    "type": "card",
    "us_bank_account": {"routing_number": LEAK, "last4": LEAK, "fingerprint": LEAK},
}


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    """A list inside of an object."""
    return {"object": "list", "data": list(items), "has_more": False, "total_count": len(items), "url": f"/v1/{LEAK}"}


def customer(**changes: Any) -> dict[str, Any]:
    return {
        "id": "cus_1",
        "object": "customer",
        **_TIME,
        **PERSON,
        "balance": -500,
        "currency": "usd",
        "default_source": None,
        "delinquent": False,
        "description": LEAK,
        "discount": None,
        "invoice_prefix": "A1B2C3",
        "invoice_settings": {"custom_fields": [{"name": LEAK, "value": LEAK}], "default_payment_method": "pm_1"},
        "metadata": {"organization": "org_1"},
        "next_invoice_sequence": 2,
        "preferred_locales": ["en"],
        "shipping": {"address": ADDRESS, "name": LEAK, "phone": LEAK},
        "sources": listed({"id": "ba_1", "object": "bank_account", "last4": LEAK, "routing_number": LEAK}),
        "tax": {"ip_address": LEAK, "location": {"country": "DE"}},
        "tax_exempt": "none",
        "tax_ids": listed({"id": "txi_1", "object": "tax_id", "value": LEAK, "verification": {"verified_name": LEAK}}),
        **changes,
    }


def product(**changes: Any) -> dict[str, Any]:
    return {
        "id": "developer_pro",
        "object": "product",
        **_TIME,
        "active": True,
        "default_price": None,
        "description": "For those who build",
        "images": [],
        "marketing_features": [],
        "metadata": {},
        "name": "Developer Pro",
        "tax_code": "txcd_10103001",
        "type": "service",
        "updated": MOMENT,
        "url": None,
        **changes,
    }


def price(**changes: Any) -> dict[str, Any]:
    return {
        "id": "price_1",
        "object": "price",
        **_TIME,
        "active": True,
        "billing_scheme": "per_unit",
        "currency": "usd",
        "lookup_key": "developer_pro_month",
        "metadata": {},
        "nickname": None,
        "product": "developer_pro",
        "recurring": {"interval": "month", "interval_count": 1, "meter": None, "usage_type": "licensed"},
        "tax_behavior": "exclusive",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring",
        "unit_amount": 4900,
        "unit_amount_decimal": "4900",
        **changes,
    }


def coupon(**changes: Any) -> dict[str, Any]:
    return {
        "id": "launch_50",
        "object": "coupon",
        **_TIME,
        "amount_off": None,
        "duration": "repeating",
        "duration_in_months": 3,
        "metadata": {},
        "name": "Launch: half the price",
        "percent_off": 50.0,
        "times_redeemed": 1,
        "valid": True,
        **changes,
    }


def subscription(**changes: Any) -> dict[str, Any]:
    item = {
        "id": "si_1",
        "object": "subscription_item",
        "created": MOMENT,
        "current_period_end": MOMENT + 2_592_000,
        "current_period_start": MOMENT,
        "metadata": {},
        "price": price(),
        "quantity": 3,
        "subscription": "sub_1",
    }
    return {
        "id": "sub_1",
        "object": "subscription",
        **_TIME,
        "automatic_tax": {"enabled": True, "liability": {"type": "self"}},
        "billing_cycle_anchor": MOMENT,
        "cancel_at_period_end": False,
        "cancellation_details": {"comment": LEAK, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "currency": "usd",
        "customer": "cus_1",
        "default_payment_method": PAYMENT_METHOD,
        "discounts": ["di_1"],
        "items": listed(item),
        "latest_invoice": invoice(customer=customer()),
        "metadata": {"organization": "org_1"},
        "start_date": MOMENT,
        "status": "active",
        **changes,
    }


def invoice(**changes: Any) -> dict[str, Any]:
    line = {
        "id": "il_1",
        "object": "line_item",
        "amount": 14700,
        "currency": "usd",
        "description": "3 × Developer Pro",
        "metadata": {},
        "parent": {"subscription_item_details": {"proration": False, "subscription_item": "si_1"}},
        "period": {"start": MOMENT, "end": MOMENT + 2_592_000},
        "pricing": {"price_details": {"price": "price_1", "product": "developer_pro"}, "unit_amount_decimal": "4900"},
        "quantity": 3,
    }
    payment = {
        "id": "inpay_1",
        "object": "invoice_payment",
        "amount_paid": 14700,
        "is_default": True,
        "payment": {"payment_intent": "pi_1", "type": "payment_intent"},
        "status": "paid",
    }
    return {
        "id": "in_1",
        "object": "invoice",
        **_TIME,
        "account_name": "Levqor",
        "amount_due": 14700,
        "amount_paid": 14700,
        "amount_remaining": 0,
        "billing_reason": "subscription_create",
        "confirmation_secret": {"client_secret": LEAK, "type": "payment_intent"},
        "currency": "usd",
        "custom_fields": [{"name": LEAK, "value": LEAK}],
        "customer": "cus_1",
        "customer_address": ADDRESS,
        "customer_email": LEAK,
        "customer_name": LEAK,
        "customer_phone": LEAK,
        "customer_shipping": {"address": ADDRESS, "name": LEAK},
        "customer_tax_ids": [{"type": "eu_vat", "value": LEAK}],
        "hosted_invoice_url": f"https://invoice.stripe.com/i/{LEAK}",
        "invoice_pdf": f"https://pay.stripe.com/invoice/{LEAK}/pdf",
        "last_finalization_error": {"payment_method": PAYMENT_METHOD},
        "lines": listed(line),
        "metadata": {},
        "number": "A1B2C3-0001",
        "parent": {"subscription_details": {"metadata": {}, "subscription": "sub_1"}, "type": "subscription_details"},
        "payments": listed(payment),
        "period_end": MOMENT,
        "period_start": MOMENT,
        "status": "paid",
        "status_transitions": {"finalized_at": MOMENT, "paid_at": MOMENT},
        "subtotal": 14700,
        "total": 14700,
        "total_taxes": [],
        **changes,
    }


def payment_intent(**changes: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        **_TIME,
        "amount": 14700,
        "amount_received": 14700,
        "client_secret": f"pi_1_secret_{LEAK}",
        "currency": "usd",
        "customer": "cus_1",
        "last_payment_error": {
            "code": "card_declined",
            "decline_code": "insufficient_funds",
            "message": "Your card has insufficient funds.",
            "payment_method": PAYMENT_METHOD,
            "type": "card_error",
        },
        "latest_charge": charge(),
        "metadata": {"organization": "org_1"},
        "next_action": {"redirect_to_url": {"url": LEAK, "return_url": LEAK}, "type": "redirect_to_url"},
        "payment_method": "pm_1",
        "receipt_email": LEAK,
        "shipping": {"address": ADDRESS, "name": LEAK},
        "status": "succeeded",
        **changes,
    }


def charge(**changes: Any) -> dict[str, Any]:
    balance = {
        "id": "txn_1",
        "object": "balance_transaction",
        "amount": 14700,
        "created": MOMENT,
        "currency": "usd",
        "fee": 456,
        "net": 14244,
        "source": "ch_1",
        "type": "charge",
    }
    return {
        "id": "ch_1",
        "object": "charge",
        **_TIME,
        "amount": 14700,
        "amount_captured": 14700,
        "amount_refunded": 700,
        "authorization_code": LEAK,
        "balance_transaction": balance,
        "billing_details": PERSON,
        "captured": True,
        "currency": "usd",
        "customer": "cus_1",
        "disputed": False,
        "fraud_details": {"user_report": LEAK},
        "metadata": {},
        "outcome": {"network_status": "approved_by_network", "rule": {"predicate": LEAK}, "type": "authorized"},
        "paid": True,
        "payment_intent": "pi_1",
        "payment_method": "pm_1",
        "payment_method_details": {"card": CARD, "sepa_debit": {"bank_code": LEAK, "last4": LEAK}, "type": "card"},
        "receipt_email": LEAK,
        "receipt_url": f"https://pay.stripe.com/receipts/{LEAK}",
        "refunded": False,
        "refunds": listed(refund()),
        "shipping": {"address": ADDRESS, "name": LEAK},
        "source": {"id": "card_1", "object": "card", "last4": LEAK, "address_line1": LEAK},
        "status": "succeeded",
        **changes,
    }


def refund(**changes: Any) -> dict[str, Any]:
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 700,
        "balance_transaction": "txn_2",
        "charge": "ch_1",
        "created": MOMENT,
        "currency": "usd",
        "destination_details": {"card": {"reference": LEAK}, "type": "card"},
        "instructions_email": LEAK,
        "metadata": {},
        "payment_intent": "pi_1",
        "reason": "requested_by_customer",
        "status": "succeeded",
        **changes,
    }


def dispute(**changes: Any) -> dict[str, Any]:
    return {
        "id": "du_1",
        "object": "dispute",
        **_TIME,
        "amount": 14700,
        "balance_transactions": [{"id": "txn_3", "object": "balance_transaction", "amount": -14700, "fee": 1500}],
        "charge": "ch_1",
        "currency": "usd",
        "evidence": {"customer_purchase_ip": LEAK, "customer_name": LEAK, "billing_address": LEAK},
        "evidence_details": {"due_by": MOMENT, "has_evidence": False, "past_due": False, "submission_count": 0},
        "is_charge_refundable": False,
        "metadata": {},
        "payment_intent": "pi_1",
        "payment_method_details": {"card": {"brand": "visa", "case_type": LEAK}, "type": "card"},
        "reason": "fraudulent",
        "status": "needs_response",
        **changes,
    }


def session(**changes: Any) -> dict[str, Any]:
    return {
        "id": "cs_1",
        "object": "checkout.session",
        **_TIME,
        "amount_subtotal": 14700,
        "amount_total": 14700,
        "cancel_url": LEAK,
        "client_reference_id": "order_1",
        "client_secret": LEAK,
        "collected_information": {"shipping_details": {"address": ADDRESS, "name": LEAK}},
        "currency": "usd",
        "custom_fields": [{"key": "x", "text": {"value": LEAK}, "type": "text"}],
        "customer": "cus_1",
        "customer_details": PERSON,
        "customer_email": LEAK,
        "expires_at": MOMENT,
        "invoice": "in_1",
        "metadata": {"organization": "org_1"},
        "mode": "subscription",
        "payment_intent": None,
        "payment_status": "paid",
        "status": "complete",
        "subscription": "sub_1",
        "success_url": LEAK,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "url": f"https://checkout.stripe.com/c/pay/{LEAK}",
        **changes,
    }


def everything() -> list[dict[str, Any]]:
    """One of each."""
    made = (customer, product, price, coupon, subscription, invoice, payment_intent, charge, refund, dispute, session)
    return [make() for make in made]
