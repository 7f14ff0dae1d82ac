"""Money that goes back. Stripe keeps its fee."""

from apps.integrations.stripe.fake import money
from apps.integrations.stripe.fake.errors import invalid, missing_parameter, no_such
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import page_of, route
from apps.integrations.stripe.fake.world import Object, World

_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


@route("POST", "/v1/refunds")
def create_refund(world: World, params: Params) -> Object:
    """Give back all or a part of what is left of a payment."""
    charge = _charge_of(world, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    wanted = params.integer("amount", left, least=1)
    reason = params.choice("reason", _REASONS)
    metadata = params.metadata()
    if charge["disputed"] and not _may_still_go_back(world, charge):
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", "", "charge_disputed")
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", "", "charge_already_refunded")
    if wanted > left:
        currency = charge["currency"]
        raise invalid(
            f"Refund amount ({money.spoken(wanted, currency)}) is greater than unrefunded amount on charge "
            f"({money.spoken(left, currency)})",
            "amount",
            "amount_too_large",
        )
    return _give_back(world, charge, wanted, reason, metadata)


@route("GET", "/v1/refunds")
def list_refunds(world: World, params: Params) -> Object:
    """Refunds, the latest first."""
    found = world.find("refund")
    for name in ("payment_intent", "charge"):
        if wanted := params.text(name):
            found = [one for one in found if one[name] == wanted]
    return page_of(world, params, found, "/v1/refunds")


@route("GET", "/v1/refunds/{refund}")
def retrieve_refund(world: World, params: Params, refund: str) -> Object:
    """One of them."""
    return world.get("refund", refund, in_path=True)


def fail_refund(world: World, refund: Object) -> None:
    """What happens when a card's account was closed meanwhile: the money comes back to us."""
    with world.atomic():
        charge = world.get("charge", refund["charge"])
        back = money.move(world, "refund_failure", amount=refund["amount"], currency=refund["currency"], source=refund)
        charge["amount_refunded"] -= refund["amount"]
        charge["refunded"] = False
        world.save(charge)
        world.update(
            refund,
            "refund.updated",
            status="failed",
            failure_reason="expired_or_canceled_card",
            failure_balance_transaction=back["id"],
        )
        world.emit("refund.failed", refund)


def _charge_of(world: World, params: Params) -> Object:
    intent_id, charge_id = params.text("payment_intent"), params.text("charge")
    if not intent_id and not charge_id:
        raise missing_parameter("payment_intent")
    if charge_id:
        charge = world.get("charge", charge_id, "charge")
    else:
        intent = world.get("payment_intent", intent_id, "payment_intent")
        known = world.known("charge", intent["latest_charge"])
        if known is None:
            raise invalid(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
        charge = known
    if charge_id and intent_id and charge["payment_intent"] != intent_id:
        raise no_such("charge", charge_id, "charge")
    if charge["status"] != "succeeded":
        raise invalid(f"This charge ({charge['id']}) was not successful; there is nothing to refund.")
    return charge


def _may_still_go_back(world: World, charge: Object) -> bool:
    return all(one["is_charge_refundable"] for one in world.find("dispute", charge=charge["id"]))


def _give_back(world: World, charge: Object, amount: int, reason: str, metadata: dict[str, str]) -> Object:
    refund = world.add(
        {
            "id": world.new_id("re"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": world.now(),
            "currency": charge["currency"],
            "destination_details": {
                "card": {
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            },
            "metadata": metadata,
            "payment_intent": charge["payment_intent"],
            "reason": reason or None,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        }
    )
    moved = money.move(
        world,
        "refund",
        amount=-amount,
        currency=charge["currency"],
        source=refund,
        description=f"REFUND FOR CHARGE ({charge['description'] or charge['id']})",
    )
    refund["balance_transaction"] = moved["id"]
    world.save(refund)
    before = charge["amount_refunded"]
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    world.save(charge)
    world.emit("refund.created", refund)
    world.emit("charge.refunded", charge, {"amount_refunded": before, "refunded": False})
    return refund
