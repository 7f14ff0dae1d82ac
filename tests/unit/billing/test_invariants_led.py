"""The machine of `test_invariants.py`, led where chance seldom goes."""

import random

import pytest

from apps.billing.services import refunds
from tests.common.stripe_model import GOING
from tests.unit.billing.test_invariants import Books

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("won", [True, False])
def test_what_was_held_is_gone_or_free(arrives, won):
    machine = Books()
    try:
        machine.buy(3, 0, "USD", True)
        machine.refund(0, 100, "pending")
        machine.buy(2, 0, "EUR", False)
        machine.dispute(0, 100, "under_review")
        refunded, disputed = machine.stripe.all
        for _time in range(2):
            machine.tell_everything(random.Random(1))
            machine.stripe.end_refund(refunded, ("pending",), "succeeded" if arrives else "failed")
            machine.stripe.decide(disputed, "won" if won else "lost")
        machine.tell_everything(random.Random(2))
        assert machine.balance("credits") == (0 if arrives else 1_500) + (1_000 if won else 0)
    finally:
        machine.leave()


def test_what_fails_late_and_is_decided_again():
    """A refund in the place of one that failed, told of first; rounding that stays; and so on."""
    machine = Books()
    stripe, moment = machine.stripe, machine.moment()
    try:
        for quantity, tax in ((1, 7), (3, 380), (2, 0)):
            machine.buy(quantity, tax, "USD", True)
        rounded, replaced, disputed = stripe.all
        stripe.dispute(disputed, 600, "needs_response", moment)
        stripe.give_back(replaced, 1_880, "succeeded", moment)
        for amount in (72, 1):
            stripe.give_back(rounded, amount, "succeeded", moment)
            machine.tell_everything(random.Random(1))
        for one in (rounded, replaced):
            stripe.end_refund(one, GOING, "failed")
        new = stripe.give_back(replaced, 1_000, "pending", moment)
        assert not machine.tell_one(replaced, "refund", refunds.apply, new)
        for status in ("lost", "won", "lost", "won", "lost"):
            stripe.decide(disputed, status, fee_back=True)
            stripe.give_back(rounded, 1, "succeeded", moment)
            machine.tell_everything(random.Random(2))
            machine.what_holds()
    finally:
        machine.leave()
