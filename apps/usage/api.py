"""The API of usage: is anybody there, and what was used."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api_base import OrganizationAPIView
from apps.usage.selectors import Standing, standing


class Usage(serializers.Serializer[Any]):
    """What an organization has used in its present period. Without a fixed quota, `quota` and the rest are null."""

    period = serializers.CharField(help_text=_("A month (2026-11) or, in the sandbox, a day (2026-11-27), UTC."))
    plan = serializers.CharField()
    calls_used = serializers.IntegerField()
    calls_remaining = serializers.IntegerField(allow_null=True)
    quota = serializers.IntegerField(allow_null=True)
    reset_date = serializers.DateField(help_text=_("The day (UTC) on which counting begins anew."))
    overage = serializers.BooleanField(help_text=_("Whether calls beyond the quota pass and are billed."))
    overage_calls = serializers.IntegerField(help_text=_("Calls of this month beyond the quota and the credits."))
    credits_remaining = serializers.IntegerField(help_text=_("Calls paid for in advance, beside those of the plan."))
    by_category = serializers.DictField(child=serializers.IntegerField())
    tokens_used = serializers.IntegerField(help_text=_("Tokens of language models."))


class Pong(serializers.Serializer[Any]):
    """That somebody is there."""

    ok = serializers.BooleanField()


class PingView(OrganizationAPIView):
    """`/ping`"""

    permission_codes = {"get": "organization.view"}
    is_lean = True

    @extend_schema(operation_id="ping", tags=["usage"], responses={200: Pong})
    def get(self, _request: Request) -> dict[str, Any]:
        """Whether the API answers and the credential is good. It counts as a call."""
        return {"ok": True}


class UsageView(OrganizationAPIView):
    """`/usage`"""

    permission_codes = {"get": "usage.view"}
    is_free = True

    @extend_schema(operation_id="get_usage", tags=["usage"], responses={200: Usage})
    def get(self, _request: Request) -> Response:
        """The calls of this calendar month, all together and by category, and how many are left. Asking costs none."""
        return Response(as_json(standing(self.organization)))


@extend_schema_view(get=extend_schema(operation_id="get_usage_short"))
class ShortUsageView(UsageView):
    """`/api/usage`: the same, without a version in its address."""


def as_json(found: Standing) -> dict[str, Any]:
    """How an organization stands, as the API tells it."""
    return {
        "period": found.period.name,
        "plan": found.limits.plan,
        "calls_used": found.used,
        "calls_remaining": found.remaining,
        "quota": found.limits.quota,
        "reset_date": found.period.end.date(),
        "overage": found.limits.soft,
        "overage_calls": found.overage,
        "credits_remaining": found.credits_left,
        "by_category": found.by_category,
        "tokens_used": found.tokens,
    }
