"""What the mirror stores of each object: so much, and nothing that Stripe may add.

Nobody's name, address, mail address or telephone number; no secret, no link that opens something to whoever has it; of
a card its brand, its last four digits and when it ends. Who a customer is our own rows say, and `metadata` which.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_EVERYWHERE = "id object created livemode currency metadata status type deleted data has_more"
_CARD = "payment_method_details card brand last4 exp_month exp_year"
_BALANCE = "balance_transaction amount fee net exchange_rate reporting_category"
_DISCOUNT = "discount discounts coupon promotion_code source start end"
_PRICE = """
    active billing_scheme lookup_key nickname product recurring interval interval_count usage_type meter tax_behavior
    tiers tiers_mode flat_amount flat_amount_decimal up_to unit_amount unit_amount_decimal transform_quantity divide_by
    round
"""

_NAMES = {
    "customer": f"balance delinquent tax_exempt invoice_prefix {_DISCOUNT}",
    "product": "active default_price description name tax_code unit_label updated",
    "price": _PRICE,
    "subscription": f"""
        {_PRICE} {_DISCOUNT} automatic_tax enabled billing_cycle_anchor cancel_at cancel_at_period_end canceled_at
        cancellation_details reason feedback collection_method current_period_start current_period_end customer
        days_until_due default_payment_method description ended_at items latest_invoice pause_collection behavior
        resumes_at price quantity schedule start_date subscription test_clock trial_end trial_start trial_settings
        end_behavior missing_payment_method
    """,
    "invoice": f"""
        {_DISCOUNT} amount amount_due amount_paid amount_remaining attempt_count attempted auto_advance automatic_tax
        enabled billing_reason collection_method customer default_payment_method description due_date effective_at
        starting_balance ending_balance invoice lines discount_amounts discountable parent subscription_details
        subscription_item_details invoice_item_details invoice_item subscription subscription_item proration payments
        payment payment_intent charge is_default amount_requested period period_start period_end pricing price_details
        price product unit_amount_decimal quantity subtotal subtotal_excluding_tax taxes taxable_amount tax_rate_details
        tax_rate tax_behavior taxability_reason next_payment_attempt number status_transitions finalized_at
        marked_uncollectible_at paid_at voided_at total total_discount_amounts total_excluding_tax total_taxes
        pre_payment_credit_notes_amount post_payment_credit_notes_amount test_clock
    """,
    "payment_intent": """
        amount amount_capturable amount_received canceled_at cancellation_reason capture_method confirmation_method
        customer description last_payment_error code decline_code message latest_charge payment_method
        payment_method_types setup_future_usage statement_descriptor
    """,
    "charge": f"""
        {_CARD} {_BALANCE} amount_captured amount_refunded captured charge customer description disputed failure_code
        failure_message invoice outcome network_status reason risk_level seller_message paid payment_intent
        payment_method refunded refunds statement_descriptor
    """,
    "refund": f"{_BALANCE} charge description failure_reason payment_intent pending_reason reason",
    "dispute": f"""
        {_BALANCE} balance_transactions charge evidence_details due_by has_evidence past_due submission_count
        is_charge_refundable network_reason_code payment_intent payment_method_details card brand reason
    """,
    "checkout.session": f"""
        {_DISCOUNT} amount amount_subtotal amount_total amount_discount amount_shipping amount_tax automatic_tax enabled
        client_reference_id customer customer_creation expires_at invoice line_items description mode payment_intent
        payment_method_types payment_status price product quantity setup_intent subscription total_details unit_amount
        unit_amount_decimal lookup_key recurring interval interval_count
    """,
    "coupon": """
        amount_off applies_to products duration duration_in_months max_redemptions name percent_off redeem_by
        times_redeemed valid
    """,
}
KEPT = {kind: frozenset(f"{_EVERYWHERE} {names}".split()) for kind, names in _NAMES.items()}

# What Stripe always sends inside of something else. Any other object there was asked for: its id stands for it.
_PARTS = {
    "balance_transaction",
    "discount",
    "invoice_payment",
    "item",
    "line_item",
    "price",
    "refund",
    "subscription_item",
}


def kept(kind: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """So much of an object of this kind as is stored. Our own `metadata` stays whole."""
    return {name: _value(name, raw[name], KEPT[kind]) for name in raw if name in KEPT[kind]}


def id_of(value: Any) -> str:
    """The id of what is named by it or given in full; empty for nothing."""
    return str(value.get("id") or "") if isinstance(value, Mapping) else str(value or "")


def _value(name: str, value: Any, names: frozenset[str]) -> Any:
    if name == "metadata":
        return value
    if isinstance(value, Mapping):
        if "id" in value and "object" in value and value["object"] not in _PARTS:
            return id_of(value)
        return {inner: _value(inner, value[inner], names) for inner in value if inner in names}
    if isinstance(value, list | tuple):
        return [_value("", item, names) for item in value]
    return str(value) if isinstance(value, Decimal) else value
