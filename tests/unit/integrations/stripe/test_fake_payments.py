"""Money taken, given back and lost at the fake Stripe."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from apps.integrations.stripe.fake.disputes import TIME_TO_ANSWER, close_dispute, open_dispute
from apps.integrations.stripe.fake.payments import pay
from apps.integrations.stripe.fake.refunds import fail_refund
from tests.common.stripe_shop import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as opened:
        yield opened


def take(shop: Shop, card: str = "pm_card_visa", amount: int = 1900, *, off_session: bool = False) -> Any:
    method = shop.attach(card)
    with shop.world.atomic():
        intent = pay(
            shop.world,
            customer=shop.customer,
            amount=amount,
            currency="usd",
            payment_method=method,
            off_session=off_session,
        )
    return shop.v1.payment_intents.retrieve(intent["id"], {"expand": ["latest_charge.balance_transaction"]})


def moved(shop: Shop) -> list[tuple[str, int, int]]:
    """The oldest first: what it was, how much, Stripe's part."""
    return [(one.type, one.amount, one.fee) for one in shop.v1.balance_transactions.list().data[::-1]]


@pytest.mark.parametrize(("amount", "fee"), [(1900, 85), (1950, 87), (500, 45)])  # of 55.1, 56.55 and 14.5 cents
def test_a_payment_arrives_less_the_fee(shop: Shop, amount: int, fee: int) -> None:
    intent = take(shop, amount=amount)
    assert (intent.status, intent.amount_received) == ("succeeded", amount)
    arrived = intent.latest_charge.balance_transaction
    assert (arrived.fee, arrived.net) == (fee, amount - fee)


@pytest.mark.parametrize(
    ("card", "off_session", "decline"),
    [
        ("pm_card_chargeDeclined", False, "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", False, "insufficient_funds"),
        ("pm_card_chargeCustomerFail", True, "generic_decline"),
        ("pm_card_authenticationRequiredOnSetup", True, "authentication_required"),
    ],
)
def test_a_card_is_refused_as_its_kind_is(shop: Shop, card: str, off_session: bool, decline: str) -> None:
    intent = take(shop, card, off_session=off_session)
    assert (intent.status, intent.last_payment_error.decline_code) == ("requires_payment_method", decline)
    assert (intent.latest_charge.status, intent.latest_charge.balance_transaction) == ("failed", None)
    assert shop.events()[-2:] == ["charge.failed", "payment_intent.payment_failed"]
    assert moved(shop) == []


def test_a_card_that_fails_later_succeeds_first(shop: Shop) -> None:
    assert take(shop, "pm_card_chargeCustomerFail").status == "succeeded"


def test_a_bank_may_ask_first(shop: Shop) -> None:
    assert take(shop, "pm_card_authenticationRequiredOnSetup").status == "requires_action"


def test_no_more_goes_back_than_came(shop: Shop) -> None:
    intent = take(shop)

    def back(amount: int) -> Any:
        return shop.v1.refunds.create({"payment_intent": intent.id, "amount": amount, "metadata": {"why": "test"}})

    refund = back(900)
    assert (refund.status, refund.charge, refund.metadata["why"]) == ("succeeded", intent.latest_charge.id, "test")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        back(1001)
    assert refused.value.code == "amount_too_large"
    back(1000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        back(1)
    assert refused.value.code == "charge_already_refunded"
    charge = shop.v1.charges.retrieve(intent.latest_charge.id)
    assert (charge.amount_refunded, charge.refunded) == (1900, True)
    assert moved(shop) == [("charge", 1900, 85), ("refund", -900, 0), ("refund", -1000, 0)]


def test_a_refund_that_fails_comes_back(shop: Shop) -> None:
    intent = take(shop)
    refund = shop.v1.refunds.create({"payment_intent": intent.id})
    fail_refund(shop.world, shop.world.get("refund", refund.id))
    assert shop.v1.refunds.retrieve(refund.id).status == "failed"
    assert shop.v1.charges.retrieve(intent.latest_charge.id).amount_refunded == 0
    assert moved(shop)[-1] == ("refund_failure", 1900, 0)


@pytest.mark.parametrize(("text", "status", "last"), [
    ("winning_evidence", "won", ("adjustment", 1900, 0)),
    ("losing_evidence", "lost", ("adjustment", -1900, 1500)),
])  # fmt: skip
def test_evidence_decides_a_dispute(shop: Shop, text: str, status: str, last: tuple[str, int, int]) -> None:
    intent = take(shop, "pm_card_createDispute")
    [dispute] = shop.v1.disputes.list({"payment_intent": intent.id}).data
    assert dispute.status == "needs_response"
    assert moved(shop)[-1] == ("adjustment", -1900, 1500)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_disputed"
    shop.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})
    after = shop.v1.disputes.retrieve(dispute.id)
    assert (after.status, moved(shop)[-1]) == (status, last)
    assert shop.events()[-1] == "charge.dispute.closed"


def test_a_dispute_that_nobody_answers_is_lost(shop: Shop) -> None:
    take(shop, "pm_card_createDispute")
    shop.advance(shop.now() + TIME_TO_ANSWER + 1)
    [dispute] = shop.v1.disputes.list().data
    assert (dispute.status, dispute.evidence_details.past_due) == ("lost", True)


def test_an_inquiry_takes_no_money_unless_it_is_lost(shop: Shop) -> None:
    charge = shop.world.get("charge", take(shop).latest_charge.id)
    dispute = open_dispute(shop.world, charge, inquiry=True)
    assert (dispute["status"], len(moved(shop))) == ("warning_needs_response", 1)
    close_dispute(shop.world, dispute, won=True)
    assert (dispute["status"], len(moved(shop))) == ("warning_closed", 1)
    other = open_dispute(shop.world, charge, inquiry=True)
    close_dispute(shop.world, other, won=False)
    assert (other["status"], moved(shop)[-1]) == ("lost", ("adjustment", -1900, 1500))
