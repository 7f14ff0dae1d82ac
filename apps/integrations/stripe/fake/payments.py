"""Payment intents and charges: money that is taken from a test card, or isn't."""

import secrets
from typing import Any

from apps.integrations.stripe.fake import disputes, money
from apps.integrations.stripe.fake.cards import card_of
from apps.integrations.stripe.fake.errors import declined
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import page_of, route
from apps.integrations.stripe.fake.world import Object, World, shown


def pay(
    world: World,
    *,
    customer: str,
    amount: int,
    currency: str,
    payment_method: str | None,
    off_session: bool,
    metadata: dict[str, str] | None = None,
    description: str = "",
) -> Object:
    """A payment intent after one attempt, however it went: see its `status`. Without a method nothing is attempted."""
    intent = intend(
        world, customer=customer, amount=amount, currency=currency, metadata=metadata, description=description
    )
    method = world.known("payment_method", payment_method)
    return attempt(world, intent, method, off_session=off_session) if method else intent


def intend(
    world: World,
    *,
    customer: str,
    amount: int,
    currency: str,
    metadata: dict[str, str] | None = None,
    description: str = "",
) -> Object:
    """The intent to take so much, before anything was attempted."""
    money.check_amount(amount, currency)
    intent_id = world.new_id("pi")
    intent = world.add(
        {
            "id": intent_id,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic",
            "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
            "confirmation_method": "automatic",
            "created": world.now(),
            "currency": currency,
            "customer": customer,
            "customer_account": None,
            "description": description or None,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": dict(metadata or {}),
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": ["card"],
            "processing": None,
            "receipt_email": None,
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
        }
    )
    world.emit("payment_intent.created", intent)
    return intent


def attempt(world: World, intent: Object, method: Object, *, off_session: bool) -> Object:
    """Charge a method. What comes of it is in the intent's `status`, `latest_charge` and `last_payment_error`."""
    card = card_of(method)
    if card.asks and not method["_authenticated"] and not off_session:
        intent.update(
            status="requires_action",
            payment_method=method["id"],
            next_action={"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}},
        )
        world.save(intent)
        world.emit("payment_intent.requires_action", intent)
        return intent
    reason = card.decline_later if off_session else card.decline
    if card.asks and method["_authenticated"]:
        reason = ""
    charge = _charge(world, intent, method, reason)
    intent["latest_charge"] = charge["id"]
    if reason:
        _refuse(world, intent, method, _error(reason, method, charge))
        return intent
    intent.update(
        status="succeeded",
        amount_received=intent["amount"],
        last_payment_error=None,
        next_action=None,
        payment_method=method["id"],
    )
    world.save(intent)
    world.emit("payment_intent.succeeded", intent)
    if card.disputed:
        disputes.open_dispute(world, charge)
    return intent


def give_up_authentication(world: World, intent: Object, method: Object) -> None:
    """The customer didn't say who they are: nothing was charged."""
    error = {**_error("authentication_failed", method, None), "code": "payment_intent_authentication_failure"}
    _refuse(world, intent, method, error)


def _refuse(world: World, intent: Object, method: Object, error: Object) -> None:
    intent.update(status="requires_payment_method", payment_method=None, next_action=None, last_payment_error=error)
    world.save(intent)
    world.emit("payment_intent.payment_failed", intent)


def _error(reason: str, method: Object, charge: Object | None) -> Object:
    error: Object = {
        **declined(reason).body["error"],
        "doc_url": "https://stripe.com/docs/error-codes/card-declined",
        "payment_method": shown(method),
    }
    if charge:
        error["charge"] = charge["id"]
    return error


def _charge(world: World, intent: Object, method: Object, reason: str) -> Object:
    error: dict[str, Any] = declined(reason).body["error"] if reason else {}
    amount = intent["amount"]
    charge_id = world.new_id("ch")
    charge: Object = {
        "id": charge_id,
        "object": "charge",
        "amount": amount,
        "amount_captured": 0 if reason else amount,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": dict(method["billing_details"]),
        "calculated_statement_descriptor": "TEST PAYMENTS",
        "captured": not reason,
        "created": world.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": error.get("code"),
        "failure_message": error.get("message"),
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": _outcome(error),
        "paid": not reason,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": {"card": _card_details(method, amount), "type": "card"},
        "radar_options": {},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None if reason else f"{world.address}/receipt/{charge_id}",
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "failed" if reason else "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }
    world.add(charge)
    if reason:
        world.emit("charge.failed", charge)
        return charge
    moved = money.move(
        world,
        "charge",
        amount=amount,
        currency=intent["currency"],
        source=charge,
        description=intent["description"] or "",
        fee=money.fee_of(amount),
    )
    charge["balance_transaction"] = moved["id"]
    world.save(charge)
    world.emit("charge.succeeded", charge)
    return charge


def _outcome(error: dict[str, Any]) -> Object:
    return {
        "advice_code": "try_again_later" if error else None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if error else "approved_by_network",
        "reason": error.get("decline_code"),
        "risk_level": "normal",
        "seller_message": "The bank did not return any further details with this decline."
        if error
        else "Payment complete.",
        "type": "issuer_declined" if error else "authorized",
    }


def _card_details(method: Object, amount: int) -> Object:
    card = method["card"]
    return {
        **{name: card[name] for name in ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint")},
        **{name: card[name] for name in ("funding", "last4", "regulated_status", "wallet")},
        "amount_authorized": amount,
        "authorization_code": None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "three_d_secure": None,
    }


# Reading ------------------------------------------------------------------------------------------------------------
@route("GET", "/v1/payment_intents")
def list_intents(world: World, params: Params) -> Object:
    """Payment intents, the latest first."""
    found = _of_customer(world, "payment_intent", params)
    return page_of(world, params, found, "/v1/payment_intents")


@route("GET", "/v1/payment_intents/{intent}")
def retrieve_intent(world: World, params: Params, intent: str) -> Object:
    """One of them."""
    return world.get("payment_intent", intent, in_path=True)


@route("GET", "/v1/charges")
def list_charges(world: World, params: Params) -> Object:
    """Charges, the latest first."""
    found = _of_customer(world, "charge", params)
    if intent := params.text("payment_intent"):
        found = [one for one in found if one["payment_intent"] == intent]
    return page_of(world, params, found, "/v1/charges")


@route("GET", "/v1/charges/{charge}")
def retrieve_charge(world: World, params: Params, charge: str) -> Object:
    """One of them."""
    return world.get("charge", charge, in_path=True)


def _of_customer(world: World, kind: str, params: Params) -> list[Object]:
    customer = params.text("customer")
    return world.find(kind, customer=customer) if customer else world.find(kind)
