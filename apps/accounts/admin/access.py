"""Credentials that act for a person. Their secrets are hashes, which are not shown either."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from apps.accounts.models import ApiKey, DeviceAuthorization, Impersonation, TokenFamily
from apps.accounts.services import api_keys, tokens
from apps.accounts.services.impersonation import PERMISSION as IMPERSONATE
from apps.core.admin_base import StaffModelAdmin
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import row_link, state_tag, tag, when
from apps.core.staff.lists import DaysFilter, PeriodFilter

DEVICE_TONES = {"pending": "wait", "approved": "go", "denied": "bad", "consumed": "ok"}


@admin.register(TokenFamily)
class TokenFamilyAdmin(StaffModelAdmin):
    """Logins of programs: terminals and API tokens."""

    list_display = ("client_name", "origin", "person", "organization_link", "shown_state", "used", "created")
    list_select_related = ("user", "organization")
    list_filter = (PeriodFilter, ("origin", ChoicesDropdownFilter), ("organization", AutocompleteSelectFilter))
    lookups = ("user",)
    search_fields = ("user__email__exact", "client_name__istartswith")
    search_help_text = _("Address of the person, name of the client, or tok_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("full_id", "shown_state"),
                    ("client_name", "origin"),
                    ("person", "organization_link"),
                    ("created", "used"),
                    ("until", "ip"),
                    ("revoked", "reason"),
                    "generation",
                )
            },
        ),
    )
    staff_actions = (
        StaffAction(
            name="revoke",
            label=_("Revoke"),
            question=_("Every token of this login stops working at once."),
            permission=IMPERSONATE,
            do=lambda request, row: tokens.revoke(row, by=request.user, reason="revoked_by_staff"),
            icon="key_off",
            applies=lambda row: row.is_live,
            danger=True,
        ),
    )

    @display(description=_("person"))
    def person(self, obj: TokenFamily) -> str:
        """For whom it acts."""
        return row_link(obj.user)

    @display(description=_("state"))
    def shown_state(self, obj: TokenFamily) -> str:
        """Whether its tokens are honoured."""
        if obj.revoked_at:
            return tag(_("revoked"), "bad")
        return tag(_("live"), "ok") if obj.is_live else tag(_("expired"))

    @display(description=_("last used"))
    def used(self, obj: TokenFamily) -> str:
        """When it last got a new pair."""
        return when(obj.last_used_at)

    @display(description=_("expires"))
    def until(self, obj: TokenFamily) -> str:
        """How long it holds without use."""
        return when(obj.expires_at)

    @display(description=_("revoked"))
    def revoked(self, obj: TokenFamily) -> str:
        """When, if so."""
        return when(obj.revoked_at)


@admin.register(ApiKey)
class ApiKeyAdmin(StaffModelAdmin):
    """Keys of programs."""

    list_display = ("name", "shown_key", "organization_link", "person", "shown_state", "used", "created")
    list_select_related = ("created_by", "organization")
    list_filter = (
        PeriodFilter,
        ("state", ChoicesDropdownFilter),
        ("environment", ChoicesDropdownFilter),
        ("organization", AutocompleteSelectFilter),
    )
    search_fields = ("created_by__email__exact", "name__istartswith", "last_four__exact")
    search_help_text = _("Address of its maker, name, last four characters, or key_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("full_id", "shown_state"),
                    ("name", "shown_key"),
                    ("organization_link", "person"),
                    ("environment", "origin"),
                    ("scopes", "networks"),
                    ("created", "used"),
                    ("until", "ended"),
                )
            },
        ),
    )
    staff_actions = (
        StaffAction(
            name="revoke",
            label=_("Revoke"),
            question=_("Programs that use it are refused from the next call on. It cannot be brought back."),
            permission=IMPERSONATE,
            do=lambda request, row: api_keys.revoke_key(row, reason="revoked_by_staff"),
            icon="key_off",
            applies=lambda row: row.is_live,
            danger=True,
        ),
    )

    @display(description=_("key"))
    def shown_key(self, obj: ApiKey) -> str:
        """Prefix and last four characters."""
        return obj.shown

    @display(description=_("made by"))
    def person(self, obj: ApiKey) -> str:
        """Whose role bounds it."""
        return row_link(obj.created_by)

    @display(description=_("state"))
    def shown_state(self, obj: ApiKey) -> str:
        """Whether it lets anybody in, and why not."""
        if obj.is_live:
            return state_tag(obj, {"active": "ok", "rotating": "wait"})
        return tag(obj.ending, "bad" if obj.reason == "leaked" else "")

    @display(description=_("last used"))
    def used(self, obj: ApiKey) -> str:
        """To the minute."""
        return when(obj.last_used_at)

    @display(description=_("ends"))
    def until(self, obj: ApiKey) -> str:
        """When it ends by itself."""
        return when(obj.good_until)

    @display(description=_("revoked"))
    def ended(self, obj: ApiKey) -> str:
        """When, if so."""
        return when(obj.revoked_at)


@admin.register(DeviceAuthorization)
class DeviceAuthorizationAdmin(StaffModelAdmin):
    """Terminals that asked to be let in."""

    list_display = ("short_id", "client_name", "shown_state", "person", "organization_text", "ip", "created")
    list_select_related = ("user", "organization")
    list_filter = (PeriodFilter, ("state", ChoicesDropdownFilter))
    search_fields = ("user__email__exact", "ip__exact")
    search_help_text = _("Address of the person, IP address, or dev_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("full_id", "shown_state"),
                    ("client_name", "ip"),
                    ("person", "organization_text"),
                    ("created", "until"),
                )
            },
        ),
    )

    @display(description=_("state"))
    def shown_state(self, obj: DeviceAuthorization) -> str:
        """In words and colour; a pending one may have expired."""
        if obj.state == DeviceAuthorization.State.PENDING and not obj.is_open:
            return tag(_("expired"))
        return state_tag(obj, DEVICE_TONES)

    @display(description=_("person"))
    def person(self, obj: DeviceAuthorization) -> str:
        """Who let it in, or turned it away."""
        return row_link(obj.user)

    @display(description=_("organization"))
    def organization_text(self, obj: DeviceAuthorization) -> str:
        """For which organization."""
        return row_link(obj.organization)

    @display(description=_("expires"))
    def until(self, obj: DeviceAuthorization) -> str:
        """How long the code holds."""
        return when(obj.expires_at)


@admin.register(Impersonation)
class ImpersonationAdmin(StaffModelAdmin):
    """Staff who acted as customers: read only, for everybody."""

    list_display = ("short_id", "staff_member", "customer", "organization_link", "reason", "shown_state", "began")
    list_select_related = ("staff_user", "user", "organization")
    list_filter = (PeriodFilter, ("organization", AutocompleteSelectFilter), ("started_at", DaysFilter))
    search_fields = ("staff_user__email__exact", "user__email__exact")
    search_help_text = _("Address of staff or customer, or imp_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("full_id", "shown_state"),
                    ("staff_member", "customer"),
                    "organization_link",
                    "reason",
                    ("began", "planned_end", "ended"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With everyone in it."""
        return super().get_queryset(request).select_related("staff_user", "user", "organization")

    def title_of(self, row: Impersonation) -> str:
        """Its id: who and where are on the page."""
        return row.public_id

    @display(description=_("staff"))
    def staff_member(self, obj: Impersonation) -> str:
        """Who acted."""
        return row_link(obj.staff_user)

    @display(description=_("customer"))
    def customer(self, obj: Impersonation) -> str:
        """As whom."""
        return row_link(obj.user)

    @display(description=_("state"))
    def shown_state(self, obj: Impersonation) -> str:
        """Whether it goes on."""
        return tag(_("running"), "wait") if obj.is_running() else tag(_("ended"))

    @display(description=_("began"))
    def began(self, obj: Impersonation) -> str:
        """When."""
        return when(obj.started_at)

    @display(description=_("ends at the latest"))
    def planned_end(self, obj: Impersonation) -> str:
        """When its time is over."""
        return when(obj.ends_at)

    @display(description=_("ended"))
    def ended(self, obj: Impersonation) -> str:
        """When it did end."""
        return when(obj.ended_at)
