"""Stripe as the test of the books plays it: what is true there of payments and bills, and what moved on our account."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from apps.billing.models import Order
from apps.integrations.stripe import objects
from apps.integrations.stripe.errors import StripeRefusedError

FEE, DISPUTE_FEE = 44, 1_500
GOING = ("pending", "succeeded")
# What becomes of a dispute; what was decided is decided again at times.
NEXT = {
    "warning_needs_response": ("warning_closed", "prevented", "needs_response"),
    "needs_response": ("under_review", "won", "lost"), "under_review": ("won", "lost"), "won": ("lost",),
    "lost": ("won",), "warning_closed": (), "prevented": (),
}  # fmt: skip


@dataclass
class Paid:
    """A payment, what went back of it, and what it was for: `total` with `tax`, of which credit paid a part perhaps."""

    payment: objects.Payment
    total: int
    tax: int
    fee_currency: str
    refunds: list[objects.Refund] = field(default_factory=list)
    dispute: objects.Dispute | None = None
    order: Order | None = None
    session: objects.CheckoutSession | None = None
    invoice: objects.Invoice | None = None
    told: set[str] = field(default_factory=set)
    from_credit: int = 0

    @property
    def is_there(self) -> bool:
        """Whether money arrived: a bill may be open, or paid with credit alone."""
        return self.payment.received > 0 and (self.invoice is None or self.invoice.status == "paid")

    @property
    def is_known(self) -> bool:
        """Whether the platform was told of the payment."""
        return "payment" in self.told

    @property
    def is_unpaid(self) -> bool:
        """A bill that can be paid."""
        return self.invoice is not None and self.invoice.status in ("open", "uncollectible")

    @property
    def lacks_fee(self) -> bool:
        """Whether it is not known yet what Stripe took."""
        return self.is_there and not self.payment.fee_currency

    @property
    def may_be_disputed(self) -> bool:
        """Once, as far as it did not go back."""
        return self.dispute is None and self.left > 0

    @property
    def is_disputed(self) -> bool:
        """Whether its dispute may be decided, or otherwise than it was."""
        return self.dispute is not None and bool(NEXT[self.dispute.status])

    @property
    def going_back(self) -> int:
        """By refunds that did not fail."""
        return sum(one.amount for one in self.refunds if one.status in GOING)

    @property
    def arrived_back(self) -> int:
        """By refunds that arrived."""
        return sum(one.amount for one in self.refunds if one.status == "succeeded")

    @property
    def disputed(self) -> int:
        """What the bank has."""
        dispute = self.dispute
        return dispute.amount if dispute is not None and dispute.was_withdrawn and not dispute.is_won else 0

    @property
    def left(self) -> int:
        """What can go back still."""
        return max(self.payment.amount - self.going_back - self.disputed, 0) if self.is_there else 0


class StripeModel:
    """Stripe's side. `moved` is what its balance transactions add up to, by currency; `credit` what coming bills are
    lessened by."""

    def __init__(self) -> None:
        self.all: list[Paid] = []
        self.moved: Counter[str] = Counter()
        self.credit = 0
        self.status = "succeeded"  # of the refunds that we order
        self._made: dict[str, objects.Refund] = {}
        self._number = 0

    def new_id(self, prefix: str) -> str:
        """An id nobody has yet."""
        self._number += 1
        return f"{prefix}_{self._number}"

    def new_payment(self, amount: int) -> objects.Payment:
        """Of which the fee is not known yet."""
        key, moment = self.new_id("pi"), datetime.now(UTC)
        return objects.Payment(
            key, "cus_1", "succeeded", "USD", amount, amount, f"ch_{key}", 0, 0, moment, "", "", moment
        )

    def new_bill(self, net: int, tax: int, remaining: int, fee_in: str, from_credit: int) -> Paid:
        """A month of a plan, or what a smaller one gives back. What credit paid wholly is paid."""
        payment = self.new_payment(remaining)
        moment = datetime.now(UTC) + timedelta(milliseconds=self._number)  # no two bills at once
        end = moment + timedelta(days=30)
        line = objects.Line("il_1", "API Pro", net, 1, "price_pro", "api_pro_monthly", net < 0, "si_1", moment, end)
        invoice = objects.Invoice(
            self.new_id("in"), "cus_1", "sub_1", "", "open" if remaining else "paid", "subscription_cycle", "USD",
            net + tax, tax, 0, remaining, 0, None, (payment.id,) if remaining else (), "", "", moment, end, moment,
            (line,),
        )  # fmt: skip
        self.all.append(Paid(payment, net + tax, tax, fee_in, invoice=invoice, from_credit=from_credit))
        return self.all[-1]

    def pay(self, one: Paid) -> None:
        """Money arrives. What Stripe takes of it is worked out later."""
        self.moved["USD"] += one.payment.received

    def settle_fee(self, one: Paid) -> None:
        """What Stripe took is known now."""
        if one.lacks_fee:
            one.payment = replace(one.payment, fee=FEE, fee_currency=one.fee_currency)
            self.moved[one.fee_currency] -= FEE

    def end_bill(self, one: Paid, ends: str) -> None:
        """It is paid, or thought lost; or it is void, and gives back the credit that it took."""
        assert one.invoice is not None
        remaining = one.payment.amount if ends == "uncollectible" else 0
        one.invoice = replace(one.invoice, status=ends, remaining=remaining)
        if ends == "paid":
            self.pay(one)
        elif ends == "void":
            self.credit += one.from_credit

    def give_back(self, one: Paid, amount: int, status: str, at: datetime, **notes: str) -> objects.Refund:
        """Money leaves as soon as a refund is made."""
        made = objects.Refund(self.new_id("re"), one.payment.id, amount, "USD", status, "", at, notes)
        one.refunds.append(made)
        self.moved["USD"] -= amount
        return made

    def end_refund(self, one: Paid, before: tuple[str, ...], after: str) -> None:
        """The first of its refunds that is so becomes so; what failed is back."""
        for place, refund in enumerate(one.refunds):
            if refund.status in before:
                one.refunds[place] = replace(refund, status=after)
                self.moved["USD"] += refund.amount if after == "failed" else 0
                return

    def dispute(self, one: Paid, amount: int, status: str, at: datetime) -> None:
        """A bank takes a payment back, or asks first."""
        one.dispute = objects.Dispute(
            self.new_id("dp"), one.payment.id, amount, "USD", "warning_needs_response", "fraudulent", 0, None, at
        )
        if status != "warning_needs_response":
            self.decide(one, status)

    def decide(self, one: Paid, status: str, *, fee_back: bool = False) -> None:
        """A dispute is so now: money moves with it, and so does the fee for its first time; won, it may come back."""
        before = one.dispute
        assert before is not None
        after = replace(before, status=status)
        had, has = (each.was_withdrawn and not each.is_won for each in (before, after))
        if has and not had:
            self.moved["USD"] -= after.amount
            if not before.fee:
                after = replace(after, fee=DISPUTE_FEE, fee_currency=one.fee_currency)
                self.moved[one.fee_currency] -= DISPUTE_FEE
        elif had and not has:
            self.moved["USD"] += after.amount
            if fee_back:
                after = replace(after, fee=0)
                self.moved[one.fee_currency] += DISPUTE_FEE
        one.dispute = after

    # As the gateway ---------------------------------------------------------------------------------------------------
    def refund(
        self, payment_intent: str, *, amount: int, reason: str, metadata: dict[str, str], key: str
    ) -> objects.Refund:
        """What our errands ask for: once for each key, and no more than is left."""
        one = next(each for each in self.all if each.payment.id == payment_intent)
        if key not in self._made:
            if amount > one.left or one.dispute is not None:
                raise StripeRefusedError("no", code="amount_too_large")
            self._made[key] = self.give_back(one, amount, self.status, datetime.now(UTC), **metadata)
        return next(each for each in one.refunds if each.id == self._made[key].id)
