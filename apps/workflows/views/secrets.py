"""The organization's vault: names in a list, values only on their way in."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_safe

from apps.accounts.requests import MemberRequest
from apps.accounts.web import form_of, organization_page
from apps.core.errors import DomainError
from apps.core.pagination import paginate
from apps.workflows.forms import SecretForm
from apps.workflows.models import Secret
from apps.workflows.services.secrets import delete_secret, put_secret
from apps.workflows.views.shared import PAGE


@require_safe
@organization_page("secrets.view")
def secret_list(request: MemberRequest) -> HttpResponse:
    """The names, and a form that adds or replaces one."""
    name = request.GET.get("replace", "")
    return _page(request, SecretForm(initial={"name": name}))


@sensitive_post_parameters("value")
@form_of("secrets")
@organization_page("secrets.manage")
def secret_put(request: MemberRequest) -> HttpResponse:
    """Store a secret, or replace it."""
    form = SecretForm(request.POST)
    if form.is_valid():
        name, value = form.cleaned_data["name"], form.cleaned_data["value"].replace("\r\n", "\n")
        existed = Secret.objects.for_organization(request.organization).filter(name=name).exists()
        try:
            put_secret(request.organization, name, value, request.actor)
        except DomainError as refusal:
            field = {"invalid_secret_name": "name", "invalid_secret_value": "value"}.get(refusal.code)
            form.add_error(field, str(refusal.detail))
        else:
            words = _("“%(name)s” has a new value.") if existed else _("“%(name)s” is stored.")
            messages.success(request, words % {"name": name})
            return redirect("secrets")
    if "value" not in form.errors:
        form.add_error("value", _("Enter the value again: what was typed is not sent back."))
    return _page(request, form, status=422)


@form_of("secrets")
@organization_page("secrets.manage")
def secret_delete(request: MemberRequest, name: str) -> HttpResponse:
    """Forget a secret."""
    delete_secret(request.organization, name)
    messages.success(request, _("“%(name)s” is deleted.") % {"name": name})
    return redirect("secrets")


def _page(request: MemberRequest, form: SecretForm, status: int = 200) -> HttpResponse:
    own = Secret.objects.for_organization(request.organization).select_related("updated_by").defer("value")
    page = paginate(own, request.GET.get("cursor"), PAGE)
    context = {
        "page_title": _("Secrets"),
        "page_lead": _("Values that steps may use and nobody can read back."),
        "form": form,
        "open_form": form.is_bound or bool(form.initial.get("name")),
        "secrets": page.rows,
        "next_cursor": page.next_cursor,
        "may_manage": request.may("secrets.manage"),
    }
    return render(request, "workflows/secrets.html", context, status=status)
