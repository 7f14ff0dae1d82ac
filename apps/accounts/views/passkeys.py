"""allauth's passkey pages: what they change and its record stand together, and they lead to the two-factor page."""

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    EditWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.services import auth_log


class AddPasskeyView(AddWebAuthnView):
    """A new passkey."""

    _form: forms.Form | None = None

    def get_form(self, form_class: type[forms.Form] | None = None) -> forms.Form:
        """One form per request: allauth asks twice after an error, and a passkey's answer can be checked once."""
        self._form = self._form or super().get_form(form_class)
        return self._form

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep it."""
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
        return response


class _OwnKey:
    """For pages of one passkey: those of others are not there, whoever asks."""

    success_url = reverse_lazy("mfa_index")
    http_method_names = ("get", "post", "head", "options")  # Django's own DELETE would pass by mail and record

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Look first, then ask whether it is really oneself."""
        self.request = request
        if request.user.is_authenticated:
            get_object_or_404(self.get_queryset(), pk=kwargs["pk"])  # type: ignore[attr-defined] # of allauth's views
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc] # of allauth's views
        return response


class EditPasskeyView(_OwnKey, EditWebAuthnView):
    """Another name for a passkey."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep the name."""
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
            auth_log.changed(cast(User, self.request.user), "passkey_renamed", name=form.cleaned_data["name"])
        messages.success(self.request, _("The passkey was renamed."))
        return response


class RemovePasskeyView(_OwnKey, RemoveWebAuthnView):
    """A passkey is removed."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Remove it."""
        with transaction.atomic():
            response: HttpResponse = super().form_valid(form)
        return response


class ReauthenticatePasskeyView(ReauthenticateWebAuthnView):
    """A passkey shows that it is really oneself."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """Say so and offer another try on the same page."""
        for message in form.errors.get("credential", []):
            get_adapter().add_message(self.request, messages.ERROR, message=message)
        return HttpResponseRedirect(self.passthrough_next_url(self.request.path))
