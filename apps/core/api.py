"""The OpenAPI 3.1 document of the public API."""

import json
from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView


def document() -> dict[str, Any]:
    """The document as JSON values."""
    found: dict[str, Any] = json.loads(_rendered())
    return found


@cache
def _rendered() -> bytes:
    """Made once per process: it takes a second, and anybody may ask."""
    made = SchemaGenerator(api_version="v1").get_schema(request=None, public=True)  # type: ignore[no-untyped-call] # the package is partly typed
    rendered: bytes = OpenApiJsonRenderer().render(made)
    return rendered


class OpenApiView(APIView):
    """`GET /api/openapi.json`, open to everybody."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    is_free = True

    @extend_schema(exclude=True)
    def get(self, _request: Request) -> HttpResponse:
        """The document itself."""
        return HttpResponse(_rendered(), content_type=OpenApiJsonRenderer.media_type)


openapi = OpenApiView.as_view()
