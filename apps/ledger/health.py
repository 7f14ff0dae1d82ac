"""Whether the ledger can be trusted."""

from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from apps.core.kinds import Checked
from apps.ledger import triggers
from apps.ledger.selectors import differences


class WrongSumsError(RuntimeError):
    """Accounts keep sums that are not those of their transfers. The message names them."""


def protected() -> Checked:
    """Whether the database refuses to change transfers."""
    if triggers.protection.installed(connection):
        return "ok", _("The database refuses changes of transfers.")
    return "failed", _("The triggers that protect transfers are missing: run manage.py migrate on a fresh copy.")


def verify(slot: datetime) -> str:
    """The nightly job: derive every sum anew. Raises `WrongSumsError`, so that the job is shown as failed."""
    wrong = differences()
    if wrong:
        told = "; ".join(f"{account.key}: {derived}" for account, derived in wrong[:20])
        raise WrongSumsError(f"{len(wrong)} accounts keep other sums than their transfers have: {told}")
    return "every account keeps the sums of its transfers"
