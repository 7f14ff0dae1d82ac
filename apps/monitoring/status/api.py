"""`GET /api/metrics/public`: how the platform does, for everybody."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.monitoring.status.composing import INDICATOR
from apps.monitoring.status.summary import summary
from apps.monitoring.status.views import told_of

STATES = (*(state.value for state in INDICATOR), "unknown")
HEALTH = {"none": "healthy", "maintenance": "healthy", "minor": "degraded", "major": "degraded", "critical": "down"}


class PublicComponent(serializers.Serializer[Any]):
    """One part of the platform."""

    id = serializers.CharField()
    name = serializers.CharField()
    status = serializers.ChoiceField(STATES)
    uptime_7_days = serializers.FloatField(allow_null=True, help_text=_("Per cent; null before the first measurement."))
    uptime_30_days = serializers.FloatField(allow_null=True)


class PublicMetrics(serializers.Serializer[Any]):
    """How the platform does. A minute that nobody measured counts as down; announced maintenance does not count."""

    health = serializers.ChoiceField(("healthy", "degraded", "down", "unknown"))
    description = serializers.CharField()
    updated_at = serializers.DateTimeField(help_text=_("When somebody looked last."))
    uptime_7_days = serializers.FloatField(allow_null=True, help_text=_("Of all components together, in per cent."))
    uptime_30_days = serializers.FloatField(allow_null=True)
    components = PublicComponent(many=True)


class PublicMetricsView(APIView):
    """`/api/metrics/public`"""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    is_free = True

    @extend_schema(operation_id="get_public_metrics", tags=["status"], auth=[], responses={200: PublicMetrics})
    def get(self, _request: Request) -> Response:
        """Uptime of 7 and 30 days and how each component is now. It needs no credential and is up to 30 seconds old."""
        shown = summary()
        told = told_of(shown)
        components = [
            {
                "id": one["id"],
                "name": one["name"],
                "status": one["status"],
                "uptime_7_days": one["uptime"]["7_days"],
                "uptime_30_days": one["uptime"]["30_days"],
            }
            for one in shown.value["components"]
        ]
        body = {
            "health": HEALTH.get(told["indicator"], "unknown"),
            "description": str(told["description"]),
            "updated_at": shown.value["updated_at"],
            "uptime_7_days": _mean(components, "uptime_7_days"),
            "uptime_30_days": _mean(components, "uptime_30_days"),
            "components": components,
        }
        return Response(body, headers={"Cache-Control": "public, max-age=15"})


def _mean(components: list[dict[str, Any]], name: str) -> float | None:
    known = [float(one[name]) for one in components if one[name] is not None]
    if not known:
        return None
    return sum(round(share * 100) for share in known) // len(known) / 100  # cut, as each of them is
