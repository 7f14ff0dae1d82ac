"""Reading the ledger: statements, and whether the sums that accounts keep are those of their transfers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, Sum

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
    """What happened to an account in a time."""

    account: Account
    opening: Money
    lines: list[Line]

    @property
    def closing(self) -> Money:
        """The balance at the end."""
        return self.lines[-1].balance if self.lines else self.opening


def statement(account: Account, begin: datetime, end: datetime | None = None, most: int | None = None) -> Statement:
    """The account's statement, until now where no end is named; with `most`, of that many last lines.

    It goes back from the balance that the account has, so that nothing before `begin` is read. The account is locked
    meanwhile, as every transfer locks it: balance and lines are of one moment.
    """
    with transaction.atomic():
        balance = Account.objects.unscoped().select_for_update().get(pk=account.pk).balance
        posted = _posted_since(account, begin, most if end is None else None)
    lines: list[Line] = []
    for at, transfer in posted:
        grows = (transfer.credit_id if account.grows_by == Side.CREDIT else transfer.debit_id) == account.pk
        change = transfer.money if grows else -transfer.money
        if end is None or at < end:
            lines.append(Line(at, transfer, change, balance))
        balance -= change
        if len(lines) == most:
            break
    return Statement(account, balance, lines[::-1])


def _posted_since(account: Account, begin: datetime, most: int | None) -> list[tuple[datetime, Transfer]]:
    """What was posted to an account and when, the latest first. Two queries, each along an index."""
    touching = Transfer.objects.filter(Q(debit=account) | Q(credit=account)).select_related("debit", "credit")
    at_once = touching.filter(is_pending=False, created_at__gte=begin).order_by("-created_at", "-pk")
    later = touching.filter(
        resolution__outcome=Resolution.Outcome.POSTED, resolution__created_at__gte=begin
    ).select_related("debit", "credit", "resolution")
    found = [(row.created_at, row) for row in at_once[:most]]
    found += [(row.resolution.created_at, row) for row in later.order_by("-resolution__created_at", "-pk")[:most]]
    return sorted(found, key=lambda one: (one[0], one[1].pk), reverse=True)[:most]


def derived_sums(account: Account) -> dict[str, int]:
    """The four sums of an account as its transfers have them."""
    return {
        name: Transfer.objects.filter(_which, **{side: account}).aggregate(sum=Sum("amount"))["sum"] or 0
        for name, (side, _which) in _SUMS.items()
    }


def differences() -> list[tuple[Account, dict[str, int]]]:
    """Accounts whose sums are not those of their transfers, with what those are. Empty, unless somebody wrote to the
    database by hand. Four queries for all; an account that seems wrong is looked at once more while nobody moves it.
    """
    found: dict[str, dict[object, int]] = {
        name: dict(Transfer.objects.filter(which).values_list(side).annotate(sum=Sum("amount")))
        for name, (side, which) in _SUMS.items()
    }
    suspects = [
        account.pk
        for account in Account.objects.unscoped().order_by("key").iterator()
        if any(getattr(account, name) != sums.get(account.pk, 0) for name, sums in found.items())
    ]
    return [wrong for key in suspects if (wrong := _difference(key))]


def _difference(key: Any) -> tuple[Account, dict[str, int]] | None:
    with transaction.atomic():
        account = Account.objects.unscoped().select_for_update().get(pk=key)
        derived = derived_sums(account)
    return (account, derived) if any(getattr(account, name) != value for name, value in derived.items()) else None
