"""The audit log for staff: found, read, proven; never changed."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.audit.models import PLATFORM_CHAIN, AuditChain, AuditEntry
from apps.audit.services import verify_named_chain
from apps.core.admin_base import StaffModelAdmin
from apps.core.errors import ConflictError
from apps.core.ids import to_public
from apps.core.job_controls import request_run
from apps.core.kinds import AuditAction
from apps.core.registry import registry
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, json_block, tag, when
from apps.core.staff.lists import DaysFilter, KnownValuesFilter, OrganizationIdFilter, PeriodFilter

MOST_VERIFIED_HERE = 20_000  # entries of a chain that a request recomputes; longer ones are left to the nightly job
KIND_TONES = {"staff": "wait", "system": "", "api": "go", "user": "ok"}


class ActionFilter(KnownValuesFilter):
    """By action, from the registry (the index on code finds its entries)."""

    title = _("action")
    parameter_name = "code"

    def options(self) -> Any:
        """From the registry."""
        return sorted((action.code, f"{action.label} ({action.code})") for action in registry(AuditAction).all())


class ActorKindFilter(KnownValuesFilter):
    """By the kind of actor."""

    title = _("kind of actor")
    parameter_name = "actor_kind"

    def options(self) -> Any:
        """From the registry."""
        return [("user", _("Member")), ("api", _("API")), ("staff", _("Staff")), ("system", _("The platform itself"))]


def verify(request: HttpRequest, entry: AuditEntry) -> None:
    """Recompute the chain of an entry and tell what was seen. Raises `ConflictError` for a broken one."""
    head = AuditChain.objects.filter(pk=entry.chain).first()
    if head is not None and head.sequence > MOST_VERIFIED_HERE:
        request_run("verify_audit")
        messages.info(
            request,
            gettext("This chain is long: the job that verifies every chain was ordered. Its run tells the result."),
        )
        return
    report = verify_named_chain(entry.chain)
    if not report.ok:
        raise ConflictError(
            gettext("The chain is BROKEN at entry %(number)s: %(reason)s.")
            % {"number": report.broken_at, "reason": report.reason}
        )
    messages.success(
        request,
        gettext("The chain holds: %(entries)s entries, of which %(erased)s had personal values erased.")
        % {"entries": report.entries, "erased": report.erased},
    )


@admin.register(AuditEntry)
class AuditEntryAdmin(StaffModelAdmin):
    """Append-only: who did what, when, from where."""

    list_display = ("when_done", "action", "actor", "target", "organization_link", "ip_address")
    list_select_related = ("personal",)
    list_filter = (
        PeriodFilter,
        ActionFilter,
        ActorKindFilter,
        OrganizationIdFilter,
        ("created_at", DaysFilter),
    )
    lookups = ("target_id", "target_type", "actor_id", "request_id")
    search_fields = ("actor_id", "target_id")  # see get_search_results
    search_help_text = _("Actor's address, or the id of actor or target")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("action", "code"),
                    ("when_done", "created_at"),
                    ("actor", "actor_id"),
                    ("impersonator_id", "ip_address"),
                    ("target", "target_id"),
                    ("organization_link", "request_id"),
                )
            },
        ),
        (_("Data"), {"fields": ("shown_data",)}),
        (_("Chain"), {"fields": (("chain_name", "sequence"), "previous_digest", "digest")}),
    )
    staff_actions = (
        StaffAction(
            name="verify-chain",
            label=_("Verify the chain"),
            question=_("Every entry of the chain is recomputed and compared with what was written. Nothing changes."),
            permission="audit.view_auditentry",
            do=verify,
            icon="verified",
        ),
    )

    def key_of(self, text: str) -> Any:
        """Only an entry's own id leads to its page: other ids are searched for as actor or target."""
        return super().key_of(text) if text.strip().startswith(f"{AuditEntry.public_prefix}_") else None

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Exact, and each way by its own index: an address is an actor's, anything else an id."""
        term = search_term.strip()
        key = self.key_of(term)
        if key is not None:
            return queryset.filter(pk=key), False
        if "@" in term:
            return queryset.filter(personal__actor_label=term), False
        return (queryset.filter(Q(actor_id=term) | Q(target_id=term)) if term else queryset), False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """A chain is verified from the page of one of its entries."""
        return {}

    @display(description=_("when"))
    def when_done(self, obj: AuditEntry) -> str:
        """Relative, exact on hover."""
        return when(obj.created_at)

    @display(description=_("action"))
    def action(self, obj: AuditEntry) -> str:
        """In words."""
        return obj.label

    @display(description=_("actor"))
    def actor(self, obj: AuditEntry) -> str:
        """Who, with the kind where it is not a member."""
        name = obj.actor_label or obj.actor_id or gettext("the platform")
        return (
            name if obj.actor_kind == "user" else tag(f"{obj.actor_kind}: {name}", KIND_TONES.get(obj.actor_kind, ""))
        )

    @display(description=_("target"))
    def target(self, obj: AuditEntry) -> str:
        """What it was done to."""
        return obj.target_label or obj.target_id or NOTHING

    @display(description=_("address"))
    def ip_address(self, obj: AuditEntry) -> str:
        """Where it came from."""
        return obj.ip or NOTHING

    @display(description=_("data"))
    def shown_data(self, obj: AuditEntry) -> str:
        """With the personal members that were not erased."""
        return json_block(obj.full_data)

    @display(description=_("chain"))
    def chain_name(self, obj: AuditEntry) -> str:
        """The organization's, or the platform's own."""
        return PLATFORM_CHAIN if obj.organization_id is None else to_public("org", obj.organization_id)
