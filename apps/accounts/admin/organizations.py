"""Realms, organizations, and who belongs to them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import display

from apps.accounts.models import Invitation, Membership, Organization, Realm
from apps.core.admin_base import StaffInline, StaffModelAdmin, button
from apps.core.staff.display import list_url, row_link, state_tag, tag, when
from apps.core.staff.lists import PeriodFilter

INVITATION_TONES = {"pending": "wait", "accepted": "ok", "revoked": ""}


@admin.register(Realm)
class RealmAdmin(StaffModelAdmin):
    """Whose platform it is."""

    list_display = ("name", "slug", "shown_default", "created")
    list_before_template = None
    search_fields = ("name__icontains", "slug__icontains")
    search_help_text = _("Name, slug or realm_…")
    fieldsets = ((None, {"fields": (("name", "slug"), ("full_id", "shown_default"), "created")}),)

    @display(description=_("default"), boolean=True)
    def shown_default(self, obj: Realm) -> bool:
        """Whether it is Levqor's own."""
        return obj.is_default


class MembersInline(StaffInline):
    """The organization's people."""

    model = Membership
    fields = ("user", "role", "created_at")
    verbose_name_plural = _("members")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the people's addresses."""
        return super().get_queryset(request).select_related("user")


@admin.register(Organization)
class OrganizationAdmin(StaffModelAdmin):
    """Customers."""

    list_display = ("name", "slug", "short_id", "realm", "mode", "members_count", "created")
    list_filter = (("livemode", BooleanRadioFilter), ("realm", AutocompleteSelectFilter))
    list_select_related = ("realm",)
    list_before_template = None
    search_fields = ("name__icontains", "slug__istartswith")
    search_help_text = _("Name, slug or org_…")
    fieldsets = (
        (None, {"fields": (("name", "slug"), ("full_id", "mode"), ("realm", "timezone"), ("created", "created_by"))}),
    )
    inlines = (MembersInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Each organization with the number of its members (an index on organization)."""
        members = (
            Membership.objects.filter(organization=OuterRef("pk"))
            .order_by()
            .values("organization")
            .annotate(number=Count("pk"))
            .values("number")
        )
        return super().get_queryset(request).annotate(staff_members=Coalesce(Subquery(members), 0))

    def links(self, request: HttpRequest, row: Organization) -> list[dict[str, Any]]:
        """To what belongs to it."""
        return [button(_("Invitations"), list_url(Invitation, organization__id__exact=row.pk, period="any"), "mail")]

    @display(description=_("mode"))
    def mode(self, obj: Organization) -> str:
        """Live, or a sandbox twin."""
        return tag(_("live"), "ok") if obj.livemode else tag(_("sandbox"))

    @display(description=_("members"))
    def members_count(self, obj: Any) -> int:
        """How many people belong to it."""
        return int(obj.staff_members)


@admin.register(Membership)
class MembershipAdmin(StaffModelAdmin):
    """Who belongs where, as what."""

    list_display = ("short_id", "person", "organization_link", "role_tag", "created")
    list_select_related = ("user", "organization")
    list_filter = (("organization", AutocompleteSelectFilter), ("role", ChoicesDropdownFilter))
    list_before_template = None
    search_fields = ("user__email__exact", "organization__slug__exact")
    search_help_text = _("Address of the person, slug of the organization, or mem_…")
    lookups = ("user",)
    fieldsets = ((None, {"fields": (("full_id", "created"), ("person", "organization_link"), "role_tag")}),)

    def title_of(self, row: Membership) -> str:
        """Its id: who and where are on the page."""
        return row.public_id

    @display(description=_("person"))
    def person(self, obj: Membership) -> str:
        """Who."""
        return row_link(obj.user)

    @display(description=_("role"))
    def role_tag(self, obj: Membership) -> str:
        """As what."""
        return state_tag(obj, {"owner": "go"}, "role")


@admin.register(Invitation)
class InvitationAdmin(StaffModelAdmin):
    """Offers of membership. The links' tokens are stored as hashes, which are not shown either."""

    list_display = ("email", "organization_link", "role", "shown_state", "inviter", "created", "until")
    list_select_related = ("organization", "invited_by")
    list_filter = (PeriodFilter, ("state", ChoicesDropdownFilter), ("organization", AutocompleteSelectFilter))
    search_fields = ("email__exact",)
    search_help_text = _("Address, or inv_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("full_id", "shown_state"),
                    ("email", "role"),
                    ("organization_link", "inviter"),
                    ("created", "until"),
                    ("accepted_by", "decided"),
                )
            },
        ),
    )

    @display(description=_("state"))
    def shown_state(self, obj: Invitation) -> str:
        """In words and colour; a pending one may have expired."""
        if obj.state == Invitation.State.PENDING and not obj.is_open:
            return tag(_("expired"))
        return state_tag(obj, INVITATION_TONES)

    @display(description=_("invited by"))
    def inviter(self, obj: Invitation) -> str:
        """Who sent it."""
        return row_link(obj.invited_by)

    @display(description=_("expires"))
    def until(self, obj: Invitation) -> str:
        """How long it holds."""
        return when(obj.expires_at)

    @display(description=_("decided"))
    def decided(self, obj: Invitation) -> str:
        """When it was answered or withdrawn."""
        return when(obj.decided_at)
