from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.money import CurrencyMismatchError, Money

amounts = st.integers(-(10**15), 10**15)
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any)


@given(amounts, amounts)
def test_adding_and_taking_away_undo_each_other(first: int, second: int) -> None:
    assert Money(first, "EUR") + Money(second, "EUR") - Money(second, "EUR") == Money(first, "EUR")


@given(amounts, weights)
def test_a_split_adds_up_and_is_fair(minor: int, parts: list[int]) -> None:
    shares = Money(minor, "USD").split(*parts)
    assert sum(share.minor for share in shares) == minor
    for share, weight in zip(shares, parts, strict=True):
        assert abs(Decimal(share.minor) - Decimal(minor) * weight / sum(parts)) < 1


@pytest.mark.parametrize("parts", [(), (0, 0), (1, -1)])
def test_a_split_needs_weights(parts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Money(100, "USD").split(*parts)


def test_nothing_goes_to_a_weight_of_nothing() -> None:
    assert [share.minor for share in Money(101, "USD").split(1, 0, 1)] == [51, 0, 50]


def test_currencies_do_not_mix() -> None:
    for operation in ("__add__", "__sub__", "__lt__", "__le__"):
        with pytest.raises(CurrencyMismatchError):
            getattr(Money(1, "USD"), operation)(Money(1, "EUR"))
    assert Money(1, "USD") != Money(1, "EUR")


@pytest.mark.parametrize("minor", [1.0, True, "1", None])
def test_minor_units_are_whole(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize("factor", [1.5, True, Decimal(2)])
def test_factors_are_whole(factor: object) -> None:
    with pytest.raises(TypeError):
        Money(1, "USD") * factor  # type: ignore[operator]


@pytest.mark.parametrize("currency", ["", "usd", "XYZ", "US"])
def test_currencies_are_known(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, currency)


@pytest.mark.parametrize(
    ("money", "major", "text"),
    [
        (Money(199900, "USD"), Decimal("1999.00"), "$1,999.00"),
        (Money(-5, "USD"), Decimal("-0.05"), "\N{MINUS SIGN}$0.05"),
        (Money(1999, "JPY"), Decimal(1999), "¥1,999"),
        (Money(1999, "KWD"), Decimal("1.999"), "KWD1.999"),
    ],
)
def test_decimals_follow_the_currency(money: Money, major: Decimal, text: str) -> None:
    assert money.decimal == major
    assert str(money) == text


def test_order_and_sign() -> None:
    assert Money(1, "USD") < Money(2, "USD")
    assert Money(2, "USD") <= Money(2, "USD")
    assert -Money(2, "USD") * 3 == Money(-6, "USD")
    assert max(Money(1, "USD"), Money(3, "USD")) == Money(3, "USD")
