"""The one admin site of the platform: behind our own login, unscoped, recorded."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from apps.accounts.models import Organization
from apps.audit.models import AuditEntry
from apps.audit.services import record
from apps.core.admin_base import StaffModelAdmin
from apps.core.errors import ForbiddenError
from apps.core.ids import Entity
from apps.core.scope import unscoped
from apps.core.staff.dashboard import told_on
from apps.core.staff.display import list_url, row_url

# Unfold's pages hold Alpine expressions, which Alpine compiles (unsafe-eval), and inline styles. No inline script runs.
CONTENT_POLICY: dict[str, list[str] | None] = {
    "default-src": [NONE],
    "script-src": [SELF, UNSAFE_EVAL],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "frame-src": [SELF],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
    "base-uri": [NONE],
    "object-src": [NONE],
    "manifest-src": [SELF],
}


class NotStaffError(ForbiddenError):
    """A customer knocks at the administration."""

    code, title = "not_staff", _("This area is for staff")


class StaffRightMissingError(ForbiddenError):
    """A member of staff lacks a right."""

    code, title = "staff_right_missing", _("Your staff role does not allow this")


class LevqorAdminSite(UnfoldAdminSite):
    """Staff see all organizations: the admin is the one place where whole views run unscoped."""

    enable_nav_sidebar = True
    empty_value_display = "—"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take our own pages. Those that packages bring know neither our record nor our services: they stay out."""
        if admin_class is not None and issubclass(admin_class, StaffModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Django's wrapper, inside an explicit way out of the organization scope.

        The response is rendered inside too: nothing unscoped is left to run later.
        """

        @wraps(view)
        def across_organizations(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            with unscoped():
                response: Any = view(request, *args, **kwargs)
                if hasattr(response, "render") and not getattr(response, "is_rendered", True):
                    response = response.render()
            response._csp_replace = CONTENT_POLICY
            answer: HttpResponse = response
            return answer

        guarded = super().admin_view(across_organizations, cacheable)

        @wraps(guarded)
        def for_staff(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise NotStaffError(_("Your account has no access to the administration. Nothing is wrong with it."))
            try:
                response: HttpResponse = guarded(request, *args, **kwargs)
            except PermissionDenied as refusal:
                raise StaffRightMissingError(
                    _("Ask a superuser to give you a role that includes it: support, operations or finance.")
                ) from refusal
            return response

        return for_staff

    def get_urls(self) -> list[Any]:
        """Django's hook: the page of operations beside the first one."""
        return [path("operations/", self.admin_view(self.operations), name="operations"), *super().get_urls()]

    def operations(self, request: HttpRequest) -> HttpResponse:
        """How the platform and the business do: figures and charts of all apps that watch over them."""
        told = told_on("operations", request)
        nothing = not (told["groups"] or told["panels"])
        frame = {**self.each_context(request), "title": _("Operations"), "heading": _("Operations")}
        return TemplateResponse(request, "admin/index.html", {**frame, **told, "nothing_to_see": nothing})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """Django asks for it at every page, and hardly any looks at it: our side bar is made of our own list."""
        return SimpleLazyObject(lambda: super(LevqorAdminSite, self).get_app_list(request, app_label))

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Staff log in where everybody does, with their second factor."""
        wanted = request.GET.get("next", "")
        safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
        target = wanted if safe else reverse("admin:index")
        if request.user.is_authenticated:
            return redirect(target)
        return redirect_to_login(target, resolve_url("account_login"))

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Passwords are changed where everybody changes theirs."""
        return redirect("account_change_password")

    # What lower floors ask of the site (apps.core.staff.site.StaffSite) --------------------------------------------
    def record(
        self, code: str, *, target: Any, data: Mapping[str, Any] | None = None, organization_id: uuid.UUID | None = None
    ) -> None:
        """Put a staff write into the audit log, in the caller's transaction."""
        record(code, target=target, data=data, organization_id=organization_id)

    def history_url(self, row: Any) -> str:
        """The audit entries about a row."""
        key = row.public_id if isinstance(row, Entity) else str(row.pk)
        return list_url(AuditEntry, target_id=key, target_type=row._meta.label_lower, period="any")

    def organization_names(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
        """The names of organizations by their keys, in one query."""
        return dict(Organization.objects.filter(pk__in=list(ids)).values_list("pk", "name"))

    def organization_url(self, organization_id: uuid.UUID) -> str:
        """The page of an organization."""
        return row_url(Organization(pk=organization_id))
