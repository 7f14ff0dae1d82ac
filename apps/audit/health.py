"""Whether the audit log can be trusted."""

from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from apps.audit import triggers
from apps.audit.selectors import chain_names
from apps.audit.services import verify_named_chain
from apps.core.kinds import Checked


class BrokenChainError(RuntimeError):
    """A chain is not as it was written. The message names the chain and the entry."""


def append_only() -> Checked:
    """Whether the database refuses to change entries."""
    if triggers.entries.installed(connection):
        return "ok", _("The database refuses changes of audit entries.")
    return "failed", _("The triggers that protect audit entries are missing: run manage.py migrate on a fresh copy.")


def verify_all(slot: datetime) -> str:
    """The nightly job: recompute every chain. Raises `BrokenChainError`, so that the job is shown as failed."""
    entries = 0
    names = chain_names()
    for name in names:
        report = verify_named_chain(name)
        if not report.ok:
            raise BrokenChainError(f"chain {name} is broken at entry {report.broken_at}: {report.reason}")
        entries += report.entries
    return f"{len(names)} chains with {entries} entries hold"
