"""What accounts adds to the platform."""

from datetime import timedelta
from functools import partial

from django.utils.translation import gettext_lazy as _

from apps.accounts import demo, handlers, pulse, staff_contributions
from apps.accounts.login_methods import any_configured, is_configured
from apps.accounts.permissions import ALL_ROLES, BUILDERS, MANAGERS, PAYERS
from apps.accounts.selectors import count_members
from apps.accounts.services import cleanup, mfa_secrets
from apps.accounts.services.members import FREE_MEMBERS, MEMBERS
from apps.core.kinds import (
    AuditAction,
    EncryptedValues,
    EventType,
    Feature,
    LoginMethod,
    NavItem,
    Permission,
    ScheduledJob,
    Seed,
    SettingsPage,
)
from apps.core.registry import register

register(
    Permission("organization.view", _("See the organization"), ALL_ROLES, for_keys=True),
    Permission("organization.manage", _("Change the organization's settings"), MANAGERS),
    Permission("members.view", _("See members"), ALL_ROLES),
    Permission("members.manage", _("Invite, change and remove members"), MANAGERS),
    Permission("billing.view", _("See plans, bills and payments"), PAYERS),
    Permission("billing.manage", _("Manage billing"), PAYERS, for_keys=True),
    Permission("activity.view", _("See who did what in the organization"), MANAGERS),
    Permission("keys.view", _("See API keys"), ALL_ROLES),
    Permission("keys.manage", _("Create, rotate and revoke API keys"), BUILDERS),
    Permission("tokens.create", _("Create tokens for the API and the terminal"), ALL_ROLES),
)

register(*pulse.METRICS)
register(Feature(MEMBERS, _("Members"), "static", FREE_MEMBERS, used=count_members))

register(
    EventType("user_signed_up", _("A person signed up")),
    EventType("organization_created", _("An organization was created")),
    EventType("member_joined", _("A person joined an organization")),
    EventType("member_removed", _("A person left an organization or was removed")),
    EventType("member_role_changed", _("A member's role was changed")),
    EventType("api_key_leaked", _("An API key was found in the open and revoked")),
)

register(
    AuditAction("accounts.signed_up", _("Signed up"), scrub=("email",)),
    AuditAction("accounts.logged_in", _("Logged in"), scrub=("user_agent",)),
    AuditAction("accounts.login_failed", _("Login failed"), scrub=("email", "user_agent")),
    AuditAction("accounts.logged_out", _("Logged out")),
    AuditAction("accounts.session_revoked", _("Ended a session")),
    AuditAction("accounts.password_changed", _("Changed the password")),
    AuditAction("accounts.password_reset", _("Reset the password")),
    AuditAction("accounts.email_added", _("Added an e-mail address"), scrub=("email",)),
    AuditAction("accounts.email_confirmed", _("Confirmed an e-mail address"), scrub=("email",)),
    AuditAction("accounts.email_changed", _("Changed the e-mail address"), scrub=("old", "new")),
    AuditAction("accounts.email_removed", _("Removed an e-mail address"), scrub=("email",)),
    AuditAction("accounts.mfa_added", _("Turned on two-factor authentication")),
    AuditAction("accounts.mfa_removed", _("Turned off two-factor authentication")),
    AuditAction("accounts.passkey_added", _("Added a passkey"), scrub=("name",)),
    AuditAction("accounts.passkey_renamed", _("Renamed a passkey"), scrub=("name",)),
    AuditAction("accounts.passkey_removed", _("Removed a passkey"), scrub=("name",)),
    AuditAction("accounts.mfa_codes_made", _("Made new recovery codes")),
    AuditAction("accounts.mfa_failed", _("Second factor refused")),
    AuditAction("accounts.social_connected", _("Connected a login provider")),
    AuditAction("accounts.social_removed", _("Disconnected a login provider")),
    AuditAction("accounts.profile_changed", _("Changed the profile")),
    AuditAction("accounts.organization_created", _("Created an organization")),
    AuditAction("accounts.organization_changed", _("Changed the organization's settings")),
    AuditAction("accounts.member_invited", _("Invited a member"), scrub=("email",)),
    AuditAction("accounts.invitation_revoked", _("Withdrew an invitation"), scrub=("email",)),
    AuditAction("accounts.member_joined", _("Joined the organization"), scrub=("email",)),
    AuditAction("accounts.member_role_changed", _("Changed a member's role"), scrub=("email",)),
    AuditAction("accounts.member_removed", _("Removed a member"), scrub=("email",)),
    AuditAction("accounts.member_left", _("Left the organization"), scrub=("email",)),
    AuditAction("accounts.device_approved", _("Let a terminal in")),
    AuditAction("accounts.device_denied", _("Turned a terminal away")),
    AuditAction("accounts.token_created", _("Created a token")),
    AuditAction("accounts.token_revoked", _("Revoked a token")),
    AuditAction("accounts.token_reuse", _("An old refresh token was used again; the family was revoked")),
    AuditAction("accounts.api_key_created", _("Created an API key")),
    AuditAction("accounts.api_key_changed", _("Changed an API key")),
    AuditAction("accounts.api_key_revoked", _("Revoked an API key")),
    AuditAction("accounts.impersonation_started", _("Staff began to act as a customer")),
    AuditAction("accounts.impersonation_ended", _("Staff ended acting as a customer")),
)
register(
    LoginMethod("google", "Google", partial(is_configured, "google"), "google_login", order=10),
    LoginMethod("github", "GitHub", partial(is_configured, "github"), "github_login", order=20),
)

register(
    NavItem("dashboard", _("Overview"), "dashboard", "build", order=0, icon="home"),
    NavItem("members", _("Members"), "members", "account", order=10, permission="members.view", icon="users"),
    NavItem("settings", _("Settings"), "organization_settings", "account", order=90, icon="settings"),
)

register(
    SettingsPage("profile", _("Profile"), "profile", "user", order=10),
    SettingsPage("email", _("E-mail address"), "account_email", "user", order=20),
    SettingsPage("password", _("Password"), "account_change_password", "user", order=30),
    SettingsPage("two_factor", _("Two-factor login"), "mfa_index", "user", order=40),
    SettingsPage(
        "connections", _("Connected logins"), "socialaccount_connections", "user", order=45, available=any_configured
    ),
    SettingsPage("sessions", _("Sessions"), "usersessions_list", "user", order=50),
    SettingsPage("tokens", _("Terminals and API tokens"), "tokens", "user", order=60),
    SettingsPage("security_log", _("Security log"), "security_log", "user", order=70),
    SettingsPage(
        "organization", _("General"), "organization_settings", "organization", order=10, permission="organization.view"
    ),
    SettingsPage("members", _("Members"), "members", "organization", order=20, permission="members.view"),
    SettingsPage("activity", _("Activity"), "activity", "organization", order=80, permission="activity.view"),
)

register(
    ScheduledJob(
        "token_cleanup",
        _("Delete tokens, device logins and invitations that ended long ago"),
        cleanup.token_cleanup,
        "20 3 * * *",
        overdue_after=timedelta(days=3),
    ),
    EncryptedValues("mfa_secrets", _("Two-factor secrets"), mfa_secrets.rotate),
    Seed("accounts", demo.load, order=10),
)

__all__ = ["handlers", "staff_contributions"]  # imported so that receivers are connected and contributions are made
