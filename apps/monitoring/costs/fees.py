"""What Stripe takes, where it has not said so itself."""

_PER_MILLE, _FIXED = 29, 30  # of each payment: 2.9 % and 30 cents


def estimated_fees(total: int, payments: int) -> int:
    """What Stripe will have taken of so many payments: 2.9 % of all, rounded half up once, and 30 cents of each."""
    return (total * _PER_MILLE + 500) // 1000 + _FIXED * payments
