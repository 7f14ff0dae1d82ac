"""What is sold: `fixtures/catalogue.yaml`, checked. Prices, discounts and grants come from nowhere else."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from apps.core.clock import now
from apps.core.errors import NotFoundError
from apps.core.kinds import Feature
from apps.core.money import Money
from apps.core.registry import registry

FILE = Path("fixtures", "catalogue.yaml")
REFUND_DAYS = 7
MOST_SEATS = 500
API_LINE = "api"  # its plans go by calendar month
THOUSAND = 1_000
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Each(_Part):
    """So much of a feature for each unit that is bought."""

    each: int = Field(ge=1)


Grant = bool | int | str | Each


class Price(_Part):
    """What a product costs: `amount` for one, or, by usage, `per_thousand`. Minor units."""

    code: Code
    product: Code
    amount: int = Field(default=0, ge=0)
    per_thousand: int = Field(default=0, ge=0)
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    interval: Literal["", "month"] = ""
    meter: str = ""
    with_: tuple[Code, ...] = Field(default=(), alias="with")
    retired: bool = False

    @model_validator(mode="after")
    def _complete(self) -> "Price":
        if bool(self.meter) != bool(self.per_thousand) or (self.meter and (self.amount or not self.interval)):
            raise ValueError("what is metered has `per_thousand`, an interval and no amount")
        return self

    @property
    def money(self) -> Money:
        """The price of one; of what is metered, of 1,000."""
        return Money(self.per_thousand if self.meter else self.amount, self.currency)

    @property
    def unit_amount(self) -> str:
        """The price of one in minor units, exactly: "1900", "0.15"."""
        return f"{Decimal(self.per_thousand) / THOUSAND:f}" if self.meter else str(self.amount)

    def cost(self, quantity: int) -> Money:
        """What so many cost: one rounding, half up, as on an invoice's line."""
        if not self.meter:
            return self.money * quantity
        return Money((quantity * self.per_thousand + THOUSAND // 2) // THOUSAND, self.currency)


class Product(_Part):
    """Something that is sold. See the head of the file."""

    code: Code
    name: str = Field(max_length=80)
    description: str = Field(max_length=200)
    line: str = ""
    seats: bool = False
    trial_days: int = Field(default=0, ge=0, le=90)
    support: Literal["community", "email", "sla"]
    grants: dict[str, Grant]
    lasts_days: int | None = Field(default=None, ge=1)
    most: int = Field(default=1, ge=1, le=10_000)
    tax_code: str = "txcd_10103001"  # software as a service, for business
    prices: tuple[Price, ...] = Field(min_length=1)
    retired: bool = False

    @property
    def sold(self) -> tuple[Price, ...]:
        """The prices at which it can still be bought."""
        return () if self.retired else tuple(price for price in self.prices if not price.retired)

    @property
    def price(self) -> Price:
        """The one that is chosen; the others come with it. Of what is no longer sold, the one it had."""
        return next(iter(self.sold), self.prices[0])

    @property
    def is_subscription(self) -> bool:
        """Whether it is paid again and again."""
        return bool(self.line)

    @property
    def most_at_once(self) -> int:
        """The largest quantity that is sold."""
        return MOST_SEATS if self.seats else self.most

    @property
    def overage(self) -> Price | None:
        """The price of usage beyond what is included."""
        return next((price for price in (*self.sold, *self.prices) if price.meter), None)

    @property
    def on_sale(self) -> bool:
        """Whether it is still sold, and all that it grants is there: registered by an installed app."""
        return self.price in self.sold and all(code in registry(Feature) for code in self.grants)

    def granted(self, quantity: int) -> dict[str, bool | int | str]:
        """What so many of it grant."""
        return {
            code: grant.each * quantity if isinstance(grant, Each) else grant for code, grant in self.grants.items()
        }


class Coupon(_Part):
    """A discount on the first bill (`once`) or on all of them."""

    code: Code
    name: str
    percent: Decimal = Field(gt=0, le=100)
    duration: Literal["once", "forever"]
    products: tuple[Code, ...]
    ends: date | None = None

    @property
    def is_current(self) -> bool:
        """Whether it can still be used."""
        return self.ends is None or now().date() <= self.ends


class Meter(_Part):
    """What usage is reported to."""

    code: Code
    name: str


class Catalogue(_Part):
    """All of it, by code."""

    products: Mapping[str, Product]
    coupons: Mapping[str, Coupon]
    meters: Mapping[str, Meter]

    @model_validator(mode="after")
    def _sound(self) -> "Catalogue":
        prices = [price for product in self.products.values() for price in product.prices]
        codes = [price.code for price in prices]
        if len(set(codes)) != len(codes):
            raise ValueError("two prices have one code")
        for price in prices:
            if price.meter and price.meter not in self.meters:
                raise ValueError(f"{price.code}: there is no meter {price.meter}")
            if unknown := set(price.with_) - set(codes):
                raise ValueError(f"{price.code}: there is no price {', '.join(sorted(unknown))}")
        sold = {price.code for product in self.products.values() for price in product.sold}
        for price in prices:
            if price.code in sold and (gone := set(price.with_) - sold):
                raise ValueError(f"{price.code}: {', '.join(sorted(gone))} is no longer sold")
        for coupon in self.coupons.values():
            if unknown := set(coupon.products) - set(self.products):
                raise ValueError(f"{coupon.code}: there is no product {', '.join(sorted(unknown))}")
        for product in self.products.values():
            if product.is_subscription != (product.price.interval == "month"):
                raise ValueError(f"{product.code}: a subscription has a line, and a price by month")
        return self

    def price(self, code: str) -> Price:
        """Raises `NotFoundError`."""
        product = self.product_of(code)
        return next(price for price in product.prices if price.code == code)

    def product_of(self, price_code: str) -> Product:
        """The product of a price. Raises `NotFoundError`."""
        for product in self.products.values():
            if any(price.code == price_code for price in product.prices):
                return product
        raise NotFoundError

    def product(self, code: str) -> Product:
        """Raises `NotFoundError`."""
        if code not in self.products:
            raise NotFoundError
        return self.products[code]

    def line(self, name: str) -> list[Product]:
        """The products of which an organization has one."""
        return [product for product in self.products.values() if product.line == name]

    def bundle(self, price_code: str) -> list[Price]:
        """A price and those that are bought with it."""
        price = self.price(price_code)
        return [price, *(self.price(code) for code in price.with_)]

    def granting(self, feature: str, value: object) -> Product | None:
        """The product that grants this value of a feature, such as an API plan."""
        return next((one for one in self.products.values() if one.grants.get(feature) == value), None)


@cache
def catalogue() -> Catalogue:
    """The catalogue. Raises `ValueError`, which says where, for a file that makes no sense."""
    text = (Path(settings.BASE_DIR) / FILE).read_text()
    try:
        return parse(yaml.safe_load(text))
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{FILE}: {error}") from error


def parse(raw: dict[str, dict[str, dict[str, object]]]) -> Catalogue:
    """A catalogue from what the file says, where everything is named by its key."""
    products = {}
    for code, product in raw["products"].items():
        prices = product["prices"]
        if not isinstance(prices, dict):
            raise TypeError(f"{code}: prices are named by their codes")
        named = [{"code": name, "product": code, **price} for name, price in prices.items()]
        products[code] = {"code": code, **product, "prices": named}
    return Catalogue.model_validate(
        {
            "products": products,
            "coupons": {code: {"code": code, **coupon} for code, coupon in raw.get("coupons", {}).items()},
            "meters": {code: {"code": code, **meter} for code, meter in raw.get("meters", {}).items()},
        }
    )
