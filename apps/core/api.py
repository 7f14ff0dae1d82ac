"""The OpenAPI 3.1 document of the public API."""

from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny


class OpenApiView(SpectacularAPIView):
    """`GET /api/openapi.json`, open to everybody."""

    permission_classes = [AllowAny]
    authentication_classes: list[type] = []
    renderer_classes = [OpenApiJsonRenderer]
    api_version = "v1"


openapi = OpenApiView.as_view()
