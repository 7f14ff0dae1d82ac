"""What the ledger refuses."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ConflictError


class AccountMismatchError(ConflictError):
    """An account of this key exists and is another kind of account."""

    code, title = "ledger_account_mismatch", _("Another account has this key")


class InsufficientFundsError(ConflictError):
    """More would leave an account than there is in it."""

    code, title = "insufficient_funds", _("Not enough in the account")


class TransferMismatchError(ConflictError):
    """A transfer with this idempotency key exists and is another one."""

    code, title = "ledger_transfer_mismatch", _("Another transfer has this key")


class AlreadyResolvedError(ConflictError):
    """The transfer is not pending any more, and ended the other way."""

    code, title = "transfer_already_resolved", _("This transfer is settled already")
