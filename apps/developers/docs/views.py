"""Pages that developers read, open to everybody; trying out needs a login."""

from collections.abc import Mapping

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.permissions import require_own_account
from apps.accounts.requests import MemberRequest
from apps.accounts.services.tokens import SANDBOX_LIFETIME, mint_sandbox_token
from apps.accounts.web import limit, organization_page
from apps.core.brand import current_brand
from apps.core.errors import NotFoundError
from apps.developers.docs.downloads import downloads, file_of
from apps.developers.docs.guides import Guide, guides
from apps.developers.docs.snippets import TASKS


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The guides begin with the first."""
    return redirect("dev_guide", guide=next(iter(guides())))


@require_safe
def dev_guide(request: HttpRequest, guide: str) -> HttpResponse:
    """One guide."""
    known = guides()
    found, all_guides = known.get(guide), list(known.values())
    if found is None:
        raise NotFoundError()
    place = all_guides.index(found)
    context = {
        "page_title": found.title,
        "guide": found,
        "before": all_guides[place - 1] if place else None,
        "after": all_guides[place + 1] if place + 1 < len(all_guides) else None,
    }
    return render(request, "developers/docs/guide.html", _with_nav(context, reverse("dev_guide", args=[guide]), known))


@require_safe
def api_reference(request: HttpRequest) -> HttpResponse:
    """The reference of the API to try out, by Swagger UI."""
    context = {"page_title": _("API reference")}
    return render(request, "developers/docs/swagger.html", _with_nav(context, reverse("docs_api")))


@csp_replace({"style-src": [SELF, UNSAFE_INLINE]})  # Redoc makes its styles in the page; nothing of anybody's is shown
@require_safe
def api_redoc(request: HttpRequest) -> HttpResponse:
    """The same to read, by Redoc."""
    return render(request, "developers/docs/redoc.html", {"page_title": _("API reference")})


@require_safe
def sdks(request: HttpRequest) -> HttpResponse:
    """The SDKs and first steps with them."""
    site_url, offered = current_brand().site_url, downloads()
    prepared = {
        "LEVQOR_API_KEY": "lvq_test_…",
        "LEVQOR_URL": site_url,
        "LEVQOR_API": f"{site_url}/api/sandbox/v1",
    }
    context = {
        "page_title": _("SDKs"),
        "tasks": TASKS,
        "downloads": offered,
        "install": "\n".join(file.installed_from(site_url) for file in offered),
        "prepare": "\n".join(f"export {name}={value}" for name, value in prepared.items()),
    }
    return render(request, "developers/docs/sdks.html", _with_nav(context, reverse("docs_sdk")))


@require_safe
def sdk_download(request: HttpRequest, package: str) -> HttpResponse:
    """One built package."""
    return FileResponse(file_of(package).open("rb"), as_attachment=True, filename=package)  # type: ignore[return-value] # a streaming HttpResponse


@never_cache
@require_POST
@organization_page("tokens.create")
def sandbox_token(request: MemberRequest) -> HttpResponse:
    """A token of the reader's for the sandbox, good for an hour."""
    require_own_account(request.actor)
    limit(request, "sandbox_token", "20/h")
    token = mint_sandbox_token(request.user, request.organization)
    return JsonResponse({"token": token, "expires_in": int(SANDBOX_LIFETIME.total_seconds())})


def _with_nav(
    context: Mapping[str, object], current: str, known: Mapping[str, Guide] | None = None
) -> dict[str, object]:
    places = [
        (
            _("Guides"),
            [(found.title, reverse("dev_guide", args=[found.slug])) for found in (known or guides()).values()],
        ),
        (
            _("Reference"),
            [(_("API reference"), reverse("docs_api")), (_("SDKs"), reverse("docs_sdk"))],
        ),
        (_("Your organization"), [(_("API keys"), reverse("api_keys")), (_("Requests"), reverse("api_requests"))]),
    ]
    return {**context, "places": places, "current": current}
