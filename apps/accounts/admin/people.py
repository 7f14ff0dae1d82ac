"""People, their sessions, and the staff roles."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from apps.accounts.models import Membership, TokenFamily, User
from apps.accounts.services import staff_help
from apps.accounts.services.impersonation import PERMISSION as IMPERSONATE
from apps.core.admin_base import StaffInline, StaffModelAdmin, button
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, list_url, row_link, tag, when

CHANGE_USER = "accounts.change_user"


def _by(request: HttpRequest, service: Any, user: User) -> None:
    service(user, by=request.user)


class MembershipInline(StaffInline):
    """The person's organizations."""

    model = Membership
    fk_name = "user"
    fields = ("organization", "role", "created_at")
    verbose_name_plural = _("organizations")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the organizations' names."""
        return super().get_queryset(request).select_related("organization")


class EmailAddressInline(StaffInline):
    """Addresses, and whether they are confirmed."""

    model = EmailAddress
    fields = ("email", "verified", "primary")
    verbose_name_plural = _("e-mail addresses")


class AuthenticatorInline(StaffInline):
    """Second factors: that there are some, never what is in them."""

    model = Authenticator
    fields = ("type", "created_at", "last_used_at")
    verbose_name_plural = _("second factors")


@admin.register(User)
class UserAdmin(StaffModelAdmin):
    """People. Superusers change who is staff here; everything else is done by actions."""

    list_display = ("email", "name", "shown_state", "confirmed", "joined", "logged_in")
    list_display_links = ("email",)
    list_filter = (("is_active", BooleanRadioFilter), ("is_staff", BooleanRadioFilter))
    list_before_template = None
    search_fields = ("email__icontains", "name__icontains")
    search_help_text = _("Address, name or usr_…")
    editable = ("is_staff", "is_superuser", "groups")
    filter_horizontal = ("groups",)
    fieldsets = (
        (None, {"fields": (("email", "name"), ("full_id", "shown_state"), ("joined", "logged_in"))}),
        (
            _("Staff access"),
            {
                "fields": (("is_staff", "is_superuser"), "groups"),
                "description": _("What superusers change. Roles are Django groups: support, operations, finance."),
            },
        ),
    )
    inlines = (MembershipInline, EmailAddressInline, AuthenticatorInline)
    staff_actions = (
        StaffAction(
            name="end-sessions",
            label=_("End sessions"),
            question=_("The person is logged out of every browser. They can log in again at once."),
            permission=IMPERSONATE,
            do=lambda request, row: _by(request, staff_help.end_sessions, row),
            icon="logout",
        ),
        StaffAction(
            name="revoke-tokens",
            label=_("Revoke tokens"),
            question=_("Every terminal and API token of the person stops working at once, in all organizations."),
            permission=IMPERSONATE,
            do=lambda request, row: _by(request, staff_help.revoke_tokens, row),
            icon="key_off",
            danger=True,
        ),
        StaffAction(
            name="resend-verification",
            label=_("Send verification again"),
            question=_("The person gets the mail with the link that confirms their address once more."),
            permission=IMPERSONATE,
            do=staff_help.resend_verification,
            icon="mark_email_unread",
            applies=lambda row: not EmailAddress.objects.filter(user=row, email=row.email, verified=True).exists(),
        ),
        StaffAction(
            name="deactivate",
            label=_("Deactivate"),
            question=_("The person is kept out: sessions end, tokens stop working, no login succeeds."),
            permission=CHANGE_USER,
            do=lambda request, row: _by(request, staff_help.deactivate, row),
            icon="person_off",
            applies=lambda row: row.is_active,
            danger=True,
        ),
        StaffAction(
            name="reactivate",
            label=_("Reactivate"),
            question=_("The person can log in again. Revoked tokens stay revoked."),
            permission=CHANGE_USER,
            do=lambda request, row: _by(request, staff_help.reactivate, row),
            icon="how_to_reg",
            applies=lambda row: not row.is_active,
        ),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only superusers, and nobody their own access."""
        staff: Any = request.user
        return bool(staff.is_superuser) and (obj is None or obj.pk != staff.pk)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Each person with whether their address is confirmed."""
        confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
        return super().get_queryset(request).annotate(staff_confirmed=Exists(confirmed))

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm, change: bool) -> None:
        """Staff access goes through its service, which records it."""
        wanted = form.cleaned_data
        staff_help.set_staff_access(
            obj,
            by=request.user,  # type: ignore[arg-type] # staff are logged in
            is_staff=wanted["is_staff"],
            is_superuser=wanted["is_superuser"],
            groups=wanted["groups"],
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Done by the service already."""

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> list[Any]:
        """Nothing to say beside what the service records."""
        return []

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Recorded by the service already."""

    def links(self, request: HttpRequest, row: User) -> list[dict[str, Any]]:
        """To what belongs to the person, and to acting as them."""
        found = [
            button(_("Sessions"), list_url(UserSession, user__id__exact=row.pk), "devices"),
            button(_("Tokens"), list_url(TokenFamily, user__id__exact=row.pk, period="any"), "key"),
        ]
        staff: Any = request.user
        if staff.has_perm(IMPERSONATE) and row.is_active and not (row.is_staff or row.is_superuser):
            found.append(
                button(_("Act as this person"), reverse("impersonation_start", args=[row.public_id]), "person")
            )
        return found

    @display(description=_("state"))
    def shown_state(self, obj: User) -> str:
        """Active or not, and whether they are staff."""
        if not obj.is_active:
            return tag(_("inactive"), "bad")
        if obj.is_superuser:
            return tag(_("superuser"), "wait")
        return tag(_("staff"), "go") if obj.is_staff else tag(_("active"), "ok")

    @display(description=_("confirmed"))
    def confirmed(self, obj: Any) -> str:
        """Whether it is confirmed."""
        return tag(_("yes"), "ok") if obj.staff_confirmed else tag(_("no"), "wait")

    @display(description=_("joined"))
    def joined(self, obj: User) -> str:
        """When they signed up."""
        return when(obj.date_joined)

    @display(description=_("last login"))
    def logged_in(self, obj: User) -> str:
        """When they last gave a password."""
        return when(obj.last_login)


@admin.register(UserSession)
class UserSessionAdmin(StaffModelAdmin):
    """Browsers that are logged in."""

    list_display = ("person", "ip", "browser", "begun", "seen")
    list_select_related = ("user",)
    list_before_template = None
    lookups = ("user",)
    search_fields = ("user__email__exact", "ip__exact")
    search_help_text = _("Address of the person, or IP address")
    fieldsets = ((None, {"fields": (("person", "ip"), "user_agent", ("begun", "seen"))}),)
    staff_actions = (
        StaffAction(
            name="end",
            label=_("End session"),
            question=_("The person is logged out of this browser."),
            permission=IMPERSONATE,
            do=lambda request, row: staff_help.end_session(row, by=request.user),
            icon="logout",
        ),
    )

    @display(description=_("person"))
    def person(self, obj: UserSession) -> str:
        """Whose session it is."""
        return row_link(obj.user)

    @display(description=_("browser"))
    def browser(self, obj: UserSession) -> str:
        """What it calls itself."""
        return obj.user_agent[:80] or NOTHING

    @display(description=_("logged in"))
    def begun(self, obj: UserSession) -> str:
        """When."""
        return when(obj.created_at)

    @display(description=_("last seen"))
    def seen(self, obj: UserSession) -> str:
        """When."""
        return when(obj.last_seen_at)


@admin.register(Group)
class StaffRoleAdmin(StaffModelAdmin):
    """Staff roles. Their rights are declared in the code and written at each release."""

    list_display = ("name", "members")
    list_before_template = None
    search_fields = ("name",)
    search_help_text = _("Search by name")
    ordering = ("name",)
    fieldsets = ((None, {"fields": ("name", "members", "rights")}),)

    def get_queryset(self, request: HttpRequest) -> Any:
        """With their people: staff are few."""
        return super().get_queryset(request).prefetch_related("user_set")

    @display(description=_("members"))
    def members(self, obj: Any) -> str:
        """Who has the role."""
        return ", ".join(sorted(user.email for user in obj.user_set.all())) or NOTHING

    @display(description=_("rights"))
    def rights(self, obj: Group) -> str:
        """What the role may."""
        rights = obj.permissions.select_related("content_type").order_by("content_type__app_label", "codename")
        return ", ".join(f"{right.content_type.app_label}.{right.codename}" for right in rights) or NOTHING
