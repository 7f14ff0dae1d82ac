"""Opening accounts and moving money between them. Everything here may be said twice and happens once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.core.money import Money
from apps.ledger.errors import (
    AccountMismatchError,
    AlreadyResolvedError,
    InsufficientFundsError,
    TransferMismatchError,
)
from apps.ledger.models import Account, Resolution, Side, Transfer

log = structlog.get_logger(__name__)

MOST = 2**62  # minor units of one transfer
_SUMS = ("debits_posted", "credits_posted", "debits_pending", "credits_pending")


@dataclass(frozen=True)
class Entry:
    """A transfer to be made: `amount` to the debit of one account and the credit of another.

    `key` makes it happen once. While it is `pending` it is held back and can still be given back.
    """

    debit: Account
    credit: Account
    amount: Money
    code: str
    key: str
    subject: str = ""
    pending: bool = False

    def is_made_as(self, transfer: Transfer) -> bool:
        """Whether a transfer is this one."""
        return (
            (transfer.debit_id, transfer.credit_id) == (self.debit.pk, self.credit.pk)
            and (transfer.amount, transfer.currency) == (self.amount.minor, self.amount.currency)
            and (transfer.code, transfer.subject) == (self.code, self.subject)
            and transfer.is_pending == self.pending
        )


def open_account(
    key: str, currency: str, grows_by: Side, *, may_be_overdrawn: bool = False, organization: Organization | None = None
) -> Account:
    """The account of this key, opened if there is none. Raises `AccountMismatchError` for one that is otherwise."""
    Money(0, currency)  # refuses what is no currency
    _check_length(Account, key=key)
    wanted: dict[str, Any] = {
        "currency": currency,
        "grows_by": grows_by,
        "may_be_overdrawn": may_be_overdrawn,
        "organization": organization,
    }
    account, _new = Account.objects.unscoped().get_or_create(key=key, defaults=wanted)
    if any(getattr(account, name) != value for name, value in wanted.items()):
        raise AccountMismatchError(_("The account “%(key)s” exists, and is another one.") % {"key": key})
    return account


@transaction.atomic
def transfer(*entries: Entry) -> list[Transfer]:
    """Make all of these transfers or none. Returns them in this order; those that were made before as they are.

    Whoever makes several calls in one transaction locks accounts in their order: what belongs together is one call.

    Raises `InsufficientFundsError`, `TransferMismatchError` where a key was used for something else, `ValueError` for
    an amount that is not positive or in another currency than its accounts, and for texts of the wrong length.
    """
    for entry in entries:
        _check(entry)
    accounts = _locked({account.pk for entry in entries for account in (entry.debit, entry.credit)})
    made = _made_before(entries)
    if made:
        return made
    rows = []
    for entry in entries:
        suffix = "pending" if entry.pending else "posted"
        _add(accounts[entry.debit.pk], f"debits_{suffix}", entry.amount.minor)
        _add(accounts[entry.credit.pk], f"credits_{suffix}", entry.amount.minor)
        rows.append(
            Transfer(
                debit=entry.debit, credit=entry.credit, amount=entry.amount.minor, currency=entry.amount.currency,
                code=entry.code, subject=entry.subject, idempotency_key=entry.key, is_pending=entry.pending,
            )
        )  # fmt: skip
    _store_sums(accounts.values())
    try:
        with transaction.atomic():
            return Transfer.objects.bulk_create(rows)
    except IntegrityError as error:  # made meanwhile, between other accounts
        raise TransferMismatchError from error


def post(pending: Transfer) -> Resolution:
    """Take what is pending for good. Raises `AlreadyResolvedError` if it was given back."""
    return _resolve(pending, Resolution.Outcome.POSTED)


def void(pending: Transfer) -> Resolution:
    """Give what is pending back. Raises `AlreadyResolvedError` if it was posted."""
    return _resolve(pending, Resolution.Outcome.VOIDED)


@transaction.atomic
def _resolve(pending: Transfer, outcome: Resolution.Outcome) -> Resolution:
    if not pending.is_pending:
        raise AlreadyResolvedError(_("This transfer was never pending."))
    accounts = _locked({pending.debit_id, pending.credit_id})
    found = Resolution.objects.filter(transfer=pending).first()
    if found is not None:
        if found.outcome != outcome:
            raise AlreadyResolvedError
        return found
    for account, side in ((accounts[pending.debit_id], "debits"), (accounts[pending.credit_id], "credits")):
        _add(account, f"{side}_pending", -pending.amount)
        if outcome == Resolution.Outcome.POSTED:
            _add(account, f"{side}_posted", pending.amount)
    _store_sums(accounts.values())
    return Resolution.objects.create(transfer=pending, outcome=outcome)


def _check(entry: Entry) -> None:
    if not 0 < entry.amount.minor <= MOST:
        raise ValueError("a transfer moves more than nothing, and no more than a row can hold")
    _check_length(Transfer, idempotency_key=entry.key, code=entry.code)
    _check_length(Transfer, least=0, subject=entry.subject)
    if {entry.debit.currency, entry.credit.currency} != {entry.amount.currency}:
        raise ValueError("a transfer has its accounts' currency")
    if entry.debit.pk == entry.credit.pk:
        raise ValueError("a transfer has two accounts")


def _check_length(model: Any, least: int = 1, **texts: str) -> None:
    """PostgreSQL would refuse what is too long, SQLite would not."""
    for name, text in texts.items():
        if not least <= len(text) <= model._meta.get_field(name).max_length:
            raise ValueError(f"{name} is too short or too long")


def _locked(keys: set[Any]) -> dict[Any, Account]:
    """The accounts as they are now, locked in one order, so that no two wait for each other."""
    rows = Account.objects.unscoped().filter(pk__in=keys).order_by("pk").select_for_update(of=("self",))
    return {account.pk: account for account in rows}


def _made_before(entries: Sequence[Entry]) -> list[Transfer]:
    """The transfers of these entries' keys; none where none was made."""
    rows = Transfer.objects.filter(idempotency_key__in=[entry.key for entry in entries])
    made = {row.idempotency_key: row for row in rows}
    if not made:
        return []
    if not all(entry.key in made and entry.is_made_as(made[entry.key]) for entry in entries):
        raise TransferMismatchError(_("These transfers were made before, and otherwise."))
    return [made[entry.key] for entry in entries]


def _add(account: Account, name: str, amount: int) -> None:
    setattr(account, name, getattr(account, name) + amount)


def _store_sums(accounts: Any) -> None:
    """Raises `InsufficientFundsError` for an account that would be overdrawn."""
    for account in accounts:
        if not account.may_be_overdrawn and account.available.minor < 0:
            log.info("insufficient_funds", account=account.key, lacks=-account.available.minor)
            raise InsufficientFundsError(_("There is not enough money for this."))
        account.save(update_fields=_SUMS)
