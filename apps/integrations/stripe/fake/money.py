"""What moves on the account: balance transactions, and how amounts are said and rounded."""

from decimal import ROUND_HALF_UP, Decimal

from apps.integrations.stripe.fake.errors import invalid
from apps.integrations.stripe.fake.params import MOST, Params
from apps.integrations.stripe.fake.routing import page_of, route
from apps.integrations.stripe.fake.world import Object, World

LEAST = 50  # of a payment that isn't nothing
_WITHOUT_CENTS = {"jpy"}
_FEE_SHARE, _FEE_FIXED = Decimal("0.029"), 30


def rounded(amount: Decimal) -> int:
    """Whole minor units, half up."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def spoken(amount: int | Decimal, currency: str) -> str:
    """As people read it: $19.00, $0.0015, 19.00 EUR."""
    least = 0 if currency in _WITHOUT_CENTS else 2
    number = abs(Decimal(amount)).scaleb(-least).normalize()
    exponent = number.as_tuple().exponent
    places = max(least, -exponent) if isinstance(exponent, int) else least
    sign = "−" if amount < 0 else ""
    return f"{sign}${number:,.{places}f}" if currency == "usd" else f"{sign}{number:,.{places}f} {currency.upper()}"


def amount_of_price(price: Object) -> str:
    """What one of it costs."""
    return spoken(Decimal(price["unit_amount_decimal"]), price["currency"])


def check_amount(amount: int, currency: str, param: str = "amount") -> None:
    """Refuse what no card can be charged. Nothing at all is fine."""
    if 0 < amount < LEAST:
        raise invalid(f"The total amount due must add up to at least {LEAST} {currency}.", param, "amount_too_small")
    if amount > MOST:
        raise invalid(f"Amount must be no more than {spoken(MOST, currency)}.", param, "amount_too_large")


def fee_of(amount: int) -> int:
    """What Stripe keeps of a payment: 2.9 % and 30 cents."""
    return rounded(amount * _FEE_SHARE) + _FEE_FIXED


def move(
    world: World,
    type: str,
    *,
    amount: int,
    currency: str,
    source: Object,
    description: str = "",
    category: str = "",
    fee: int = 0,
    fee_name: str = "Stripe processing fees",
) -> Object:
    """Write down what a charge, refund or dispute moved on the account."""
    fees = [{"amount": fee, "application": None, "currency": currency, "description": fee_name, "type": "stripe_fee"}]
    return world.add(
        {
            "id": world.new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": world.now(),
            "balance_type": "payments",
            "created": world.now(),
            "currency": currency,
            "description": description or None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": fees if fee else [],
            "net": amount - fee,
            "reporting_category": category or type,
            "source": source["id"],
            "status": "available",
            "type": type,
        }
    )


@route("GET", "/v1/balance")
def retrieve_balance(world: World, params: Params) -> Object:
    """What is left of all that moved. Here everything is there at once."""
    sums: dict[str, int] = {"usd": 0}
    for one in world.find("balance_transaction"):
        sums[one["currency"]] = sums.get(one["currency"], 0) + one["net"]
    amounts = [{"amount": sum, "currency": currency, "source_types": {"card": sum}} for currency, sum in sums.items()]
    nothing = [{"amount": 0, "currency": currency, "source_types": {"card": 0}} for currency in sums]
    return {"object": "balance", "available": amounts, "livemode": False, "pending": nothing}


@route("GET", "/v1/balance_transactions")
def list_balance_transactions(world: World, params: Params) -> Object:
    """What moved, the latest first."""
    found = world.find("balance_transaction")
    for name in ("type", "source", "currency"):
        if wanted := params.text(name):
            found = [one for one in found if one[name] == wanted]
    return page_of(world, params, found, "/v1/balance_transactions")


@route("GET", "/v1/balance_transactions/{transaction}")
def retrieve_balance_transaction(world: World, params: Params, transaction: str) -> Object:
    """One movement."""
    return world.get("balance_transaction", transaction, in_path=True)
