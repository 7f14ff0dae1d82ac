"""The ledger for staff: accounts with their statements, and every transfer. Nothing is changed here."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from apps.core.admin_base import StaffModelAdmin, button
from apps.core.clock import now
from apps.core.staff.display import NOTHING, list_url, row_link, tag, when
from apps.core.staff.lists import DaysFilter, PeriodFilter
from apps.core.templatetags.levqor import money as written
from apps.ledger.models import Account, Resolution, Transfer
from apps.ledger.selectors import statement

DEBIT, CREDIT = "debit__id__exact", "credit__id__exact"
STATEMENT_DAYS = 90
MOST_LINES = 100
LONGEST_KEY = 28  # characters in a list
TONES = {"posted": "ok", "voided": "", "pending": "wait"}


@admin.register(Account)
class AccountAdmin(StaffModelAdmin):
    """What is where, and whom it is owed to."""

    list_display = ("key", "organization_link", "shown_balance", "shown_held", "grows_by", "created")
    list_filter = (("organization", AutocompleteSelectFilter), "grows_by", "may_be_overdrawn")
    ordering = ("key",)
    search_fields = ("key__startswith",)
    search_help_text = _("acct_…, or how the account's key begins")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("key", "full_id"),
                    ("shown_balance", "shown_held"),
                    ("organization_link", "currency"),
                    ("grows_by", "may_be_overdrawn"),
                    ("created",),
                )
            },
        ),
        (_("Statement"), {"fields": ("shown_statement",)}),
    )

    def links(self, request: HttpRequest, row: Account) -> list[dict[str, Any]]:
        """To its transfers."""
        return [
            button(_("Debits"), list_url(Transfer, **{DEBIT: row.pk}, period="any"), "arrow_upward"),
            button(_("Credits"), list_url(Transfer, **{CREDIT: row.pk}, period="any"), "arrow_downward"),
        ]

    @display(description=_("balance"))
    def shown_balance(self, obj: Account) -> str:
        """What was posted."""
        return written(obj.balance)

    @display(description=_("held back"))
    def shown_held(self, obj: Account) -> str:
        """What pending transfers would take."""
        held = obj.balance - obj.available
        return written(held) if held.minor else NOTHING

    @display(description=_("last 90 days"))
    def shown_statement(self, obj: Account) -> SafeString:
        """Opening balance, what changed it, and the balance after each."""
        found = statement(obj, now() - timedelta(days=STATEMENT_DAYS), most=MOST_LINES)
        context = {"statement": found, "is_cut": len(found.lines) == MOST_LINES}
        return mark_safe(render_to_string("admin/ledger/statement.html", context))  # noqa: S308 - a template of ours


@admin.register(Transfer)
class TransferAdmin(StaffModelAdmin):
    """Every transfer, the newest first."""

    lookups = ("debit", "credit", "subject")
    list_display = ("when_made", "code", "shown_amount", "debit_link", "credit_link", "subject", "shown_state")
    list_select_related = ("debit", "credit", "resolution")
    list_filter = (PeriodFilter, ("created_at", DaysFilter))
    search_fields = ("subject__exact", "idempotency_key__exact")
    search_help_text = _("tr_…, what it belongs to, or its idempotency key")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("code", "full_id"),
                    ("shown_amount", "shown_state"),
                    ("debit_link", "credit_link"),
                    ("when_made", "when_ended"),
                    ("subject", "idempotency_key"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With accounts and end, also on a row's page."""
        rows: QuerySet[Any] = super().get_queryset(request).select_related("debit", "credit", "resolution")
        return rows

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The newest first, along the index of the account that the list is narrowed to."""
        return ("-created_at", "-pk") if {DEBIT, CREDIT} & set(request.GET) else self.ordering

    def links(self, request: HttpRequest, row: Transfer) -> list[dict[str, Any]]:
        """To what hangs on the same payment."""
        if not row.subject:
            return []
        return [button(_("All of this"), list_url(Transfer, subject=row.subject, period="any"), "account_tree")]

    @display(description=_("made"))
    def when_made(self, obj: Transfer) -> str:
        """When it was made."""
        return when(obj.created_at)

    @display(description=_("ended"))
    def when_ended(self, obj: Transfer) -> str:
        """When what was pending was posted or voided."""
        found = _resolution(obj)
        return when(found.created_at) if found else NOTHING

    @display(description=_("amount"))
    def shown_amount(self, obj: Transfer) -> str:
        """In its currency."""
        return written(obj.money)

    @display(description=_("debit"))
    def debit_link(self, obj: Transfer) -> str:
        """Where it went."""
        return _account_link(obj.debit)

    @display(description=_("credit"))
    def credit_link(self, obj: Transfer) -> str:
        """Where it came from."""
        return _account_link(obj.credit)

    @display(description=_("state"))
    def shown_state(self, obj: Transfer) -> str:
        """Posted, pending or voided."""
        found = _resolution(obj)
        state = found.outcome if found else "pending" if obj.is_pending else "posted"
        words = {"posted": _("posted"), "voided": _("voided"), "pending": _("pending")}
        return tag(words[state], TONES[state])


def _account_link(account: Account) -> str:
    """By its key; of a long one how it begins and ends."""
    key = account.key
    return row_link(account, key if len(key) <= LONGEST_KEY else f"{key[:16]}…{key[-8:]}")


def _resolution(transfer: Transfer) -> Resolution | None:
    return getattr(transfer, "resolution", None) if transfer.is_pending else None
