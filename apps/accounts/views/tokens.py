"""Connected terminals and API tokens of a person."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from apps.accounts import selectors
from apps.accounts.forms import TokenForm
from apps.accounts.models import TokenFamily
from apps.accounts.permissions import can
from apps.accounts.requests import PersonRequest
from apps.accounts.services import tokens
from apps.accounts.web import form_of, limit, own_account_page
from apps.core.errors import DomainError, NotFoundError


@never_cache
@own_account_page
def tokens_page(request: PersonRequest) -> HttpResponse:
    """List them; create one by POST and show it this once."""
    organization = request.organization
    may_create = organization is not None and can(request.actor, "tokens.create", organization)
    form, pair = TokenForm(request.POST or None), None
    if request.method == "POST" and organization is not None and may_create and form.is_valid():
        limit(request, "token_create", "30/h", key="user")
        try:
            pair = tokens.mint(
                request.user,
                organization,
                origin=TokenFamily.Origin.SESSION,
                client_name=form.cleaned_data["client_name"],
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal.detail))
        else:
            form = TokenForm()
    return render(
        request,
        "accounts/tokens.html",
        {
            "page_title": _("Terminals and API tokens"),
            "page_lead": _("Programs that act for you. Revoke what you do not recognise."),
            "families": list(selectors.token_families_of(request.user)),
            "form": form,
            "pair": pair,
            "may_create": may_create,
        },
        status=422 if form.errors else 200,
    )


@form_of("tokens")
@own_account_page
def revoke(request: PersonRequest, family_id: str) -> HttpResponse:
    """Refuse a program from now on."""
    family = selectors.token_families_of(request.user).filter(pk=TokenFamily.parse_public_id(family_id)).first()
    if family is None:
        raise NotFoundError(_("There is no such token."))
    tokens.revoke(family, by=request.user)
    messages.success(request, _("“%(name)s” was revoked.") % {"name": family.client_name})
    return redirect("tokens")
