"""What part of a period costs. Exact fractions, and one rounding per line: half up, to the minor unit."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

WHOLE = Fraction(1)


@dataclass(frozen=True)
class Debit:
    """What an invoice line took for a time. `amount` is what was left of it after discounts."""

    line: str
    invoice: str
    amount: int
    start: int
    end: int


def rounded(amount: Fraction) -> int:
    """The nearest whole number. A half goes away from zero, so that a credit mirrors its debit."""
    size = (abs(amount) * 2 + 1) // 2
    return int(size) if amount >= 0 else -int(size)


def part(start: int, end: int, whole: tuple[int, int]) -> Fraction:
    """How much of the whole period the time from start to end is. To the second, as Stripe counts."""
    return Fraction(end - start, whole[1] - whole[0])


def price_of(unit_amount: str, quantity: int, share: Fraction = WHOLE, off: Fraction = Fraction(0)) -> int:
    """So many units at a decimal amount each, for a part of the period, less a discount (a part of it)."""
    return rounded(Fraction(unit_amount) * quantity * share * (1 - off))


def credits(debits: Iterable[Debit], at: int) -> list[tuple[Debit, int]]:
    """What to give back of each debit for the time from `at` on: a negative amount, of what was really taken."""
    return [
        (debit, -rounded(debit.amount * part(max(at, debit.start), debit.end, (debit.start, debit.end))))
        for debit in debits
        if debit.end > at and debit.end > debit.start
    ]
