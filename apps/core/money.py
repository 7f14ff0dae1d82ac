"""Money is a whole number of minor units and a currency. There are no floats here and no implicit conversion."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision

MINUS = "\N{MINUS SIGN}"


class CurrencyMismatchError(TypeError):
    """Two amounts of different currencies met."""


@dataclass(frozen=True, order=False)
class Money:
    """`Money(1999, "USD")` is 19.99 US dollars. `minor` may be negative; `currency` is an ISO 4217 code."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError("minor units are whole numbers")
        if self.currency not in get_global("all_currencies"):
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency code")

    def _same(self, other: Self) -> None:
        if self.currency != other.currency:
            raise CurrencyMismatchError(f"{self.currency} and {other.currency} do not add up")

    def __add__(self, other: Self) -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Self) -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, factor: int) -> "Money":
        if isinstance(factor, bool) or not isinstance(factor, int):
            raise TypeError("multiply by whole numbers; use `share` for fractions")
        return Money(self.minor * factor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Self) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Self) -> bool:
        self._same(other)
        return self.minor <= other.minor

    def split(self, *weights: int) -> list["Money"]:
        """Divide by whole weights so that the parts add up exactly: the largest remainders get the odd units."""
        total = sum(weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights are whole, none negative, not all zero")
        shares = [divmod(self.minor * weight, total) for weight in weights]
        odd = self.minor - sum(quotient for quotient, _ in shares)
        order = sorted(range(len(weights)), key=lambda index: (-shares[index][1], index))
        extra = set(order[:odd])
        return [Money(quotient + (index in extra), self.currency) for index, (quotient, _) in enumerate(shares)]

    @property
    def decimal(self) -> Decimal:
        """The amount in major units."""
        return Decimal(self.minor).scaleb(-get_currency_precision(self.currency))

    def format(self, locale: str = "en") -> str:
        """The amount as a reader of this locale writes it, with a minus that is no hyphen."""
        return format_currency(self.decimal, self.currency, locale=locale).replace("-", MINUS)

    def __str__(self) -> str:
        return self.format()
