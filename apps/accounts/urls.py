"""Accounts' pages; allauth's are under /accounts/."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from apps.accounts.views import (
    activity,
    dashboard,
    device,
    impersonation,
    invitations,
    members,
    organizations,
    profile,
    tokens,
)

# What people type who guess, and the page they look for.
GUESSES = {
    "login": "account_login",
    "signin": "account_login",
    "signup": "account_signup",
    "register": "account_signup",
    "logout": "account_logout",
    "settings": "profile",
    "account": "profile",
}

urlpatterns: list[URLPattern | URLResolver] = [
    *(
        path(guess, RedirectView.as_view(pattern_name=name, query_string=True), name=f"guess_{guess}")
        for guess, name in GUESSES.items()
    ),
    path("accounts/2fa/webauthn/", include("apps.accounts.urls_passkeys")),
    path("accounts/", include("allauth.urls")),
    path("dashboard", dashboard.dashboard, name="dashboard"),
    path("organizations/new", organizations.create, name="organization_create"),
    path("organizations/switch", organizations.switch, name="organization_switch"),
    path("settings/organization", organizations.settings_page, name="organization_settings"),
    path("settings/activity", activity.activity, name="activity"),
    path("settings/members", members.members, name="members"),
    path("settings/members/invite", members.invite, name="member_invite"),
    path("settings/members/leave", members.leave, name="member_leave"),
    path("settings/members/<str:membership_id>/role", members.change_role, name="member_role"),
    path("settings/members/<str:membership_id>/remove", members.remove, name="member_remove"),
    path("settings/invitations/<str:invitation_id>/revoke", members.revoke_invitation, name="invitation_revoke"),
    path("settings/invitations/<str:invitation_id>/resend", members.resend_invitation, name="invitation_resend"),
    path("settings/profile", profile.profile, name="profile"),
    path("settings/security-log", profile.security_log, name="security_log"),
    path("settings/sessions/<int:session_id>/end", profile.end_session, name="session_end"),
    path("settings/tokens", tokens.tokens_page, name="tokens"),
    path("settings/tokens/<str:family_id>/revoke", tokens.revoke, name="token_revoke"),
    path("invitations/accept/<str:invitation_id>", invitations.accept_own, name="invitation_accept"),
    path("invitations/<str:token>", invitations.invitation, name="invitation"),
    path("device", device.device, name="device"),
    path("staff/impersonate/<str:user_id>", impersonation.start, name="impersonation_start"),
    path("impersonation/stop", impersonation.stop, name="impersonation_stop"),
]
