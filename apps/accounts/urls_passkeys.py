"""Passkeys, in the place of allauth's pages under /accounts/2fa/webauthn/ and under their names."""

from allauth.mfa.webauthn.views import login_webauthn
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from apps.accounts.views import passkeys

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
    path("add/", passkeys.AddPasskeyView.as_view(), name="mfa_add_webauthn"),
    path("login/", login_webauthn, name="mfa_login_webauthn"),
    path("reauthenticate/", passkeys.ReauthenticatePasskeyView.as_view(), name="mfa_reauthenticate_webauthn"),
    path("keys/<int:pk>/edit/", passkeys.EditPasskeyView.as_view(), name="mfa_edit_webauthn"),
    path("keys/<int:pk>/remove/", passkeys.RemovePasskeyView.as_view(), name="mfa_remove_webauthn"),
]
