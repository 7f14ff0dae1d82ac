"""Reading the ledger: statements, and whether the sums that accounts keep are those of their transfers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, DateTimeField, F, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce

from apps.core.money import Money
from apps.ledger.models import Account, Resolution, Side, Transfer

_POSTED = Q(is_pending=False) | Q(resolution__outcome=Resolution.Outcome.POSTED)
_OPEN = Q(is_pending=True, resolution=None)
_SUMS = {"debits_posted": ("debit", _POSTED), "credits_posted": ("credit", _POSTED)} | {
    "debits_pending": ("debit", _OPEN), "credits_pending": ("credit", _OPEN)
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A line of a statement: what a transfer did to the account, and its balance afterwards."""

    at: datetime
    transfer: Transfer
    change: Money
    balance: Money


@dataclass(frozen=True)
class Statement:
    """What happened to an account from `begin` until before `end`."""

    account: Account
    opening: Money
    lines: list[Line]

    @property
    def closing(self) -> Money:
        """The balance at the end."""
        return self.lines[-1].balance if self.lines else self.opening


def posted_transfers(account: Account) -> QuerySet[Any]:
    """What was posted to an account, with `posted_at`, in this order."""
    touching = Transfer.objects.filter(Q(debit=account) | Q(credit=account))
    posted_at = Case(
        When(is_pending=True, then=F("resolution__created_at")),
        default=F("created_at"),
        output_field=DateTimeField(),
    )
    return touching.filter(_POSTED).annotate(posted_at=posted_at).order_by("posted_at", "pk")


def statement(account: Account, begin: datetime, end: datetime, most: int | None = None) -> Statement:
    """The account's statement: two queries, however much there was before. With `most`, of that many last lines."""
    posted = posted_transfers(account).filter(posted_at__lt=end)
    grown = Q(credit=account) if account.grows_by == Side.CREDIT else Q(debit=account)
    sums = posted.aggregate(
        grew=Coalesce(Sum("amount", filter=grown), Value(0)), moved=Coalesce(Sum("amount"), Value(0))
    )
    balance = Money(
        2 * sums["grew"] - sums["moved"], account.currency
    )  # at the end; the lines are gone through backward
    lines = []
    latest = posted.filter(posted_at__gte=begin).select_related("debit", "credit").order_by("-posted_at", "-pk")
    for transfer in latest[:most]:
        grows = (transfer.credit_id if account.grows_by == Side.CREDIT else transfer.debit_id) == account.pk
        change = transfer.money if grows else -transfer.money
        lines.append(Line(transfer.posted_at, transfer, change, balance))
        balance -= change
    return Statement(account, balance, lines[::-1])


def derived_sums(account: Account) -> dict[str, int]:
    """The four sums of an account as its transfers have them."""
    return {
        name: Transfer.objects.filter(_which, **{side: account}).aggregate(sum=Sum("amount"))["sum"] or 0
        for name, (side, _which) in _SUMS.items()
    }


def differences() -> list[tuple[Account, dict[str, int]]]:
    """Accounts whose sums are not those of their transfers, with what those are. Four queries, however many there are.

    Empty, unless somebody wrote to the database by hand.
    """
    found: dict[str, dict[object, int]] = {
        name: dict(Transfer.objects.filter(which).values_list(side).annotate(sum=Sum("amount")))
        for name, (side, which) in _SUMS.items()
    }
    wrong = []
    for account in Account.objects.unscoped().order_by("key").iterator():
        derived = {name: sums.get(account.pk, 0) for name, sums in found.items()}
        if any(getattr(account, name) != value for name, value in derived.items()):
            wrong.append((account, derived))
    return wrong
