"""URLs of the main host."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/", include("levqor.urls_api")),
    path("", include("apps.core.urls")),
    path("", include("apps.integrations.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.notifications.urls")),
    path("", include("apps.workflows.urls_hooks")),
    path("", include("apps.workflows.urls_demo")),
    path("", include("apps.workflows.urls")),
    path("", include("apps.billing.urls")),
    path("", include("apps.developers.urls")),
    path("", include("apps.developers.urls_docs")),
    path("", include("apps.monitoring.urls")),
    path("", include("apps.marketing.urls")),
]

handler400 = "apps.core.views.bad_request"
handler403 = "apps.core.views.permission_denied"
handler404 = "apps.core.views.not_found"
handler500 = "apps.core.views.server_error"
