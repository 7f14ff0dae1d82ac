"""The API of notifications: one's own inbox."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api_base import OrganizationAPIView
from apps.accounts.permissions import require_own_account
from apps.core.brand import current_brand
from apps.core.errors import InvalidInputError
from apps.notifications import selectors
from apps.notifications.models import Notification
from apps.notifications.services import notices


class NotificationAnswer(serializers.Serializer[Any]):
    """Something that the person behind the credential was told about the organization."""

    id = serializers.CharField()
    type = serializers.CharField(help_text=gettext_lazy("What kind of notice it is, such as `quota_reached`."))
    title = serializers.CharField()
    body = serializers.CharField()
    url = serializers.URLField(allow_null=True, help_text=gettext_lazy("The page that it is about."))
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


class NotificationAnswerList(serializers.Serializer[Any]):
    """A page of them, the newest first."""

    data = NotificationAnswer(many=True)  # type: ignore[assignment] # the name that every list of ours has
    next_cursor = serializers.CharField(allow_null=True)
    has_more = serializers.BooleanField()


class ReadAnswer(serializers.Serializer[Any]):
    """What was marked."""

    read = serializers.IntegerField(help_text=gettext_lazy("How many were unread until now."))


class NotificationsView(OrganizationAPIView):
    """`/notifications`"""

    permission_codes = {"get": "notifications.view"}
    is_free = True

    @extend_schema(
        operation_id="list_notifications",
        tags=["notifications"],
        parameters=[
            OpenApiParameter("limit", int, description="How many rows, 1 to 100 (25 when left out)."),
            OpenApiParameter("cursor", str, description="`next_cursor` of the page before."),
            OpenApiParameter("unread", str, enum=["true", "false"], description="`true`: only what was not read yet."),
        ],
        responses={200: NotificationAnswerList},
    )
    def get(self, request: Request) -> Response:
        """Your inbox in this organization, newest first. Asking costs no call."""
        unread = request.query_params.get("unread", "false")
        if unread not in ("true", "false"):
            raise InvalidInputError(_("“unread” is true or false."))
        return self.paginated(request, selectors.inbox(self.actor, unread=unread == "true"), as_json)


class ReadView(OrganizationAPIView):
    """`/notifications/{notification_id}/read`"""

    permission_codes = {"post": "notifications.view"}
    is_free = True

    @extend_schema(
        operation_id="read_notification", tags=["notifications"], request=None, responses={200: NotificationAnswer}
    )
    def post(self, _request: Request, notification_id: str) -> Response:
        """Mark one of your notifications as read. Marking it again changes nothing."""
        require_own_account(self.actor)
        row = selectors.notification_of(self.actor, notification_id)
        notices.mark_read(row)
        row.refresh_from_db()
        return Response(as_json(row))


class ReadAllView(OrganizationAPIView):
    """`/notifications/read`"""

    permission_codes = {"post": "notifications.view"}
    is_free = True

    @extend_schema(
        operation_id="read_all_notifications", tags=["notifications"], request=None, responses={200: ReadAnswer}
    )
    def post(self, _request: Request) -> Response:
        """Mark everything in your inbox of this organization as read."""
        require_own_account(self.actor)
        return Response({"read": notices.mark_all_read(self.actor)})


def as_json(row: Notification) -> dict[str, Any]:
    """A notification as the API tells it."""
    return {
        "id": row.public_id,
        "type": row.code,
        "title": row.title,
        "body": row.body,
        "url": f"{current_brand().site_url}{row.url}" if row.url else None,
        "created_at": row.created_at,
        "read_at": row.read_at,
    }
