"""Public pages, and the style guide for those who build pages."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.marketing import content
from apps.marketing.styleguide import style_guide_context


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """What Levqor is, shown by a definition and the run it makes."""
    context = {
        "canonical_url": settings.SITE_URL + reverse("landing"),
        "definition": content.example_definition(),
        "run_steps": content.EXAMPLE_RUN,
        "crash_steps": content.CRASH_RUN,
        "step_types": content.STEP_TYPES,
        "triggers": content.TRIGGERS,
        "guards": content.GUARDS,
    }
    return render(request, "marketing/landing.html", context)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Search engines may read the public pages; the application is behind a login anyway."""
    lines = ["User-agent: *", "Disallow: /admin/", "Disallow: /api/", "Allow: /", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for this address where a page names no icon."""
    return redirect(static("img/favicon.svg"))


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state. Only with DEBUG: it is a tool for us, not a page of the product."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "marketing/styleguide.html", style_guide_context())
