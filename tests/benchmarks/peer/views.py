"""Both addresses, each behind key, limit and metering."""

import uuid
from typing import Any

from rest_framework.generics import RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView
from rest_framework_api_key.permissions import BaseHasAPIKey
from typeid import TypeID

from tests.benchmarks.peer.models import Key, Run, UsageRecord
from tests.benchmarks.peer.serializers import RunSerializer


class HasKey(BaseHasAPIKey):
    """The library's check, but that the key which it read is kept."""

    model = Key

    def has_permission(self, request: Request, view: Any) -> bool:
        shown = self.get_key(request)
        if not shown:
            return False
        try:
            request.api_key = self.model.objects.get_from_key(shown)
        except self.model.DoesNotExist:
            return False
        return not request.api_key.has_expired


class KeyThrottle(ScopedRateThrottle):
    """Limits by key."""

    def get_ident(self, request: Request) -> str:
        return request.api_key.prefix


class Metered(APIView):
    """Records what was called."""

    permission_classes = (HasKey,)
    throttle_classes = (KeyThrottle,)
    throttle_scope = "api"

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if hasattr(request, "api_key"):
            UsageRecord.objects.create(
                key=request.api_key, scope=self.throttle_scope, path=request.path, status=response.status_code
            )
        return response


class PingView(Metered):
    """`/ping`"""

    def get(self, _request: Request) -> Response:
        return Response({"ok": True})


class RunView(Metered, RetrieveAPIView):
    """`/runs/{id}`"""

    serializer_class = RunSerializer

    def get_queryset(self) -> Any:
        own = Run.objects.filter(organization_id=self.request.api_key.organization_id)
        return own.select_related("workflow", "version")

    def get_object(self) -> Run:
        self.kwargs["pk"] = uuid.UUID(bytes=TypeID.from_string(self.kwargs["run"]).uuid.bytes)
        return super().get_object()
