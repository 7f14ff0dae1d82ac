"""Automatic tax: 20 % in the European Union and the United Kingdom, nothing elsewhere, and what VAT ids change."""

from dataclasses import dataclass
from fractions import Fraction

from apps.integrations.stripe.fake.proration import rounded
from apps.integrations.stripe.fake.routing import provides
from apps.integrations.stripe.fake.world import Object, World

RATE = "20"
_UNION = {
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
}  # fmt: skip


@dataclass(frozen=True)
class Tax:
    """How a customer is taxed. `reason` is Stripe's; without one nothing is worked out at all."""

    percent: str = "0"
    reason: str = ""

    def on(self, amount: int, behavior: str) -> int:
        """The tax on an amount: on top of it, or, where the price says "inclusive", within it."""
        rate = Fraction(self.percent) / 100
        return rounded(amount * rate / (1 + rate) if behavior == "inclusive" else amount * rate)


def tax_for(world: World, customer: Object, *, automatic: bool) -> Tax:
    """How this customer is taxed now."""
    country = country_of(customer)
    if not automatic or not country:
        return Tax()
    if country in _UNION and world.find("tax_id", customer=customer["id"], type="eu_vat"):
        return Tax("0", "reverse_charge")
    if country in _UNION or country == "GB":
        return Tax(RATE, "standard_rated")
    return Tax("0", "not_collecting")


def country_of(customer: Object) -> str:
    """Where the customer is, as far as it is known."""
    return ((customer.get("address") or {}).get("country") or "").upper()


@provides("invoices.tax")
def tax_on(world: World, customer: str | Object, amount: int) -> int:
    """The tax that comes on top of an amount for this customer."""
    who = world.get("customer", customer) if isinstance(customer, str) else customer
    return tax_for(world, who, automatic=True).on(amount, "exclusive")
