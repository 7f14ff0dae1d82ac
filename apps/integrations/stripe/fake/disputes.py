"""Payments that a bank takes back: opened, won, lost. As in Stripe's test mode, the text of the evidence decides."""

from apps.integrations.stripe.fake import money
from apps.integrations.stripe.fake.errors import invalid
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import page_of, route
from apps.integrations.stripe.fake.world import DUE, Due, Object, World

FEE = 1500
TIME_TO_ANSWER = 9 * 24 * 3600
WINNING, LOSING = "winning_evidence", "losing_evidence"
_OVER = ("won", "lost", "warning_closed")
_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip


def open_dispute(
    world: World, charge: Object, *, amount: int = 0, reason: str = "fraudulent", inquiry: bool = False
) -> Object:
    """Let the bank doubt a charge. An inquiry only asks; otherwise the money is gone at once."""
    with world.atomic():
        brand = charge["payment_method_details"]["card"]["brand"]
        dispute = world.add(
            {
                "id": world.new_id("du"),
                "object": "dispute",
                "amount": amount or charge["amount"] - charge["amount_refunded"],
                "balance_transactions": [],
                "charge": charge["id"],
                "created": world.now(),
                "currency": charge["currency"],
                "enhanced_eligibility_types": [],
                "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
                "evidence_details": {
                    "due_by": world.now() + TIME_TO_ANSWER,
                    "enhanced_eligibility": {},
                    "has_evidence": False,
                    "past_due": False,
                    "submission_count": 0,
                },
                "is_charge_refundable": inquiry,
                "livemode": False,
                "metadata": {},
                "payment_intent": charge["payment_intent"],
                "payment_method_details": {
                    "card": {
                        "brand": brand,
                        "case_type": "inquiry" if inquiry else "chargeback",
                        "network": brand,
                        "network_reason_code": "10.4",
                    },
                    "type": "card",
                },
                "reason": reason,
                "status": "warning_needs_response" if inquiry else "needs_response",
            }
        )
        charge["disputed"] = True
        world.save(charge)
        if not inquiry:
            _move(world, dispute, -dispute["amount"], "dispute", FEE)
        world.emit("charge.dispute.created", dispute)
        if not inquiry:
            world.emit("charge.dispute.funds_withdrawn", dispute)
        return dispute


def close_dispute(world: World, dispute: Object, *, won: bool) -> Object:
    """Let the bank decide."""
    if dispute["status"] in _OVER:
        raise invalid(f"This dispute is already closed: {dispute['status']}.")
    with world.atomic():
        inquiry = dispute["status"].startswith("warning")
        before = dispute["status"]
        if inquiry and not won:  # what was only asked becomes a dispute
            _escalate(world, dispute)
        dispute["status"] = "warning_closed" if inquiry and won else "won" if won else "lost"
        dispute["is_charge_refundable"] = inquiry and won
        world.save(dispute)
        if won and not inquiry:
            _move(world, dispute, dispute["amount"], "dispute_reversal", 0)
            world.emit("charge.dispute.funds_reinstated", dispute)
        world.emit("charge.dispute.closed", dispute, {"status": before})
        return dispute


def _escalate(world: World, dispute: Object) -> None:
    _move(world, dispute, -dispute["amount"], "dispute", FEE)
    world.emit("charge.dispute.funds_withdrawn", dispute)


def _move(world: World, dispute: Object, amount: int, category: str, fee: int) -> None:
    moved = money.move(
        world,
        "adjustment",
        amount=amount,
        currency=dispute["currency"],
        source=dispute,
        description=f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {dispute['charge']}",
        category=category,
        fee=fee,
        fee_name="Dispute fee",
    )
    dispute["balance_transactions"] = [*dispute["balance_transactions"], moved]
    world.save(dispute)


# Calls --------------------------------------------------------------------------------------------------------------
@route("GET", "/v1/disputes")
def list_disputes(world: World, params: Params) -> Object:
    """Disputes, the latest first."""
    found = world.find("dispute")
    for name in ("payment_intent", "charge"):
        if wanted := params.text(name):
            found = [one for one in found if one[name] == wanted]
    return page_of(world, params, found, "/v1/disputes")


@route("GET", "/v1/disputes/{dispute}")
def retrieve_dispute(world: World, params: Params, dispute: str) -> Object:
    """One of them."""
    return world.get("dispute", dispute, in_path=True)


@route("POST", "/v1/disputes/{dispute}")
def update_dispute(world: World, params: Params, dispute: str) -> Object:
    """Answer the bank. `uncategorized_text` "winning_evidence" or "losing_evidence" decides it at once."""
    obj = world.get("dispute", dispute, in_path=True)
    sent = params.child("evidence")
    given = {name: sent.text(name, most=150_000) or None for name in _EVIDENCE if sent.has(name)}
    metadata, submit = params.metadata(obj["metadata"]), params.boolean("submit", True)
    if obj["status"] in _OVER:
        raise invalid("This dispute is already closed.")
    details = {**obj["evidence_details"], "has_evidence": bool(given) or obj["evidence_details"]["has_evidence"]}
    status = obj["status"]
    if submit and given:
        details["submission_count"] += 1
        status = "warning_under_review" if status.startswith("warning") else "under_review"
    world.update(
        obj,
        "charge.dispute.updated",
        evidence={**obj["evidence"], **given},
        evidence_details=details,
        metadata=metadata,
        status=status,
    )
    text = obj["evidence"]["uncategorized_text"]
    if submit and text in (WINNING, LOSING):
        close_dispute(world, obj, won=text == WINNING)
    return obj


@route("POST", "/v1/disputes/{dispute}/close")
def give_in(world: World, params: Params, dispute: str) -> Object:
    """Accept that the money is gone."""
    return close_dispute(world, world.get("dispute", dispute, in_path=True), won=False)


# Time ---------------------------------------------------------------------------------------------------------------
def _unanswered(world: World) -> list[Object]:
    return [one for one in world.find("dispute") if one["status"] in ("needs_response", "warning_needs_response")]


def _next_deadline(world: World) -> int | None:
    return min((one["evidence_details"]["due_by"] for one in _unanswered(world)), default=None)


def _pass_deadlines(world: World) -> None:
    for dispute in _unanswered(world):
        if dispute["evidence_details"]["due_by"] <= world.now():
            dispute["evidence_details"]["past_due"] = True
            close_dispute(world, dispute, won=dispute["status"].startswith("warning"))


DUE.append(Due(_next_deadline, _pass_deadlines))
