"""A small story of money, told truly, and what reconciling finds in it."""

from datetime import timedelta

from apps.billing.models import Customer
from apps.billing.services import overage
from apps.billing.services.reconciliation import reconcile
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.fake.disputes import close_dispute, open_dispute
from apps.ledger.models import Side
from apps.ledger.services import open_account
from tests.common.usage import call

LATER = timedelta(minutes=15)  # what is younger may be on its way


class World:
    """An organization with a plan by usage and overage, credits of which some went back, and a disputed purchase."""

    def __init__(self, shop, owner, organization, clock):
        self.shop, self.owner, self.organization, self.clock = shop, owner, organization, clock

    def begin(self):
        self.buy("api_usage_developer_monthly")
        self.buy("credits_1000", 2)
        self.buy("credits_1000")
        self.back = self.shop.payment(self.organization)
        self.give_back(self.back, 100)
        self.event = self.call(13_000)
        self.count()
        self.wait(LATER)

    def buy(self, price, quantity=1):
        return self.shop.buy(self.owner, self.organization, price, quantity=quantity)

    def give_back(self, payment, amount):
        stripe().refund(payment.stripe_id, amount=amount, reason="", metadata={}, key=f"back:{payment.pk}:{amount}")
        self.shop.settle()

    def dispute(self, payment, *, won):
        """Opened, told of, decided, told of."""
        [charge] = self.shop.world.find("charge", payment_intent=payment.stripe_id)
        dispute = open_dispute(self.shop.world, charge)
        self.shop.settle()
        self.wait(LATER)
        assert not found(), "while it is open"
        if won is not None:
            close_dispute(self.shop.world, self.shop.world.get("dispute", dispute["id"]), won=won)
            self.shop.settle()
        Customer.objects.unscoped().update(held_because="")

    def call(self, calls):
        return call(self.organization, calls)

    def count(self):
        overage.settle_all()
        overage.count_all()
        self.shop.settle()

    def wait(self, time):
        self.clock.shift(time)

    def at_stripe(self, kind, key, **members):
        """Another truth at Stripe, of which no event tells."""
        with self.shop.world.atomic():
            obj = self.shop.world.get(kind, key)
            obj.update(members)
            self.shop.world.save(obj)

    @property
    def subscription(self):
        return self.shop.subscription(self.organization)

    def account(self, name, grows_by=Side.DEBIT):
        return open_account(f"{name}:USD", "USD", grows_by, may_be_overdrawn=True)


def found():
    """The kinds of what does not agree."""
    return sorted(line.kind for line in reconcile().lines.all())
