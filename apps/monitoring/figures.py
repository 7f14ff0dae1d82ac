"""Figures in words: rounded here, once, and nowhere before."""

from decimal import ROUND_HALF_UP, Decimal

from apps.core.money import MINUS, Money
from apps.core.templatetags.levqor import money, number
from apps.monitoring.models.costs import CURRENCY

NOTHING = "—"


def cents(value: int | Decimal) -> int:
    """Whole cents, half up."""
    return int(Decimal(value).quantize(Decimal(1), ROUND_HALF_UP))


def dollars(value: int | Decimal | None) -> str:
    """Cents as money: $1,234.50."""
    return NOTHING if value is None else money(Money(cents(value), CURRENCY))


def percent(value: Decimal | None, places: int = 1) -> str:
    """A share between 0 and 100: 12.5 %."""
    if value is None:
        return NOTHING
    exact = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{exact:,f} %".replace("-", MINUS)


def shown(value: int | Decimal, unit: str) -> str:
    """A figure by its unit: count, money or percent."""
    if unit == "money":
        return dollars(value)
    if unit == "percent":
        return percent(Decimal(value), 2)
    return number(cents(value))


def shown_change(change: Decimal | None, share: Decimal | None, unit: str) -> str:
    """How a figure moved: "+12 (+4.1 %)"; with words where it is new or the same."""
    if change is None:
        return NOTHING
    if not change:
        return "±0"
    text = _signed(shown(abs(change), unit), change)
    return text if share is None or unit == "percent" else f"{text} ({_signed(percent(abs(share)), share)})"


def _signed(text: str, value: Decimal) -> str:
    return f"+{text}" if value > 0 else f"{MINUS}{text}"


def drawn(value: Decimal | None, unit: str) -> float | None:
    """A figure for a chart: money in dollars; nothing where it was not counted."""
    return None if value is None else float(value) / (100 if unit == "money" else 1)


def in_dollars(value: int | Decimal | None) -> Decimal | None:
    """Cents as dollars with two places, for tables elsewhere."""
    return None if value is None else Decimal(cents(value)).scaleb(-2)
