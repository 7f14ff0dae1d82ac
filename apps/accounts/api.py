"""The API of accounts: who am I, device login, token pairs."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts import openapi
from apps.accounts.api_auth import OrganizationSessionAuthentication
from apps.accounts.api_base import OrganizationAPIView
from apps.accounts.models import TokenFamily
from apps.accounts.permissions import require_own_account
from apps.accounts.services import device, tokens
from apps.accounts.web import limit
from apps.core.openapi import SecretTextField


class OrganizationSerializer(serializers.Serializer[Any]):
    """An organization in an answer."""

    id = serializers.CharField()
    name = serializers.CharField()
    slug = serializers.CharField()
    livemode = serializers.BooleanField()
    timezone = serializers.CharField()


class UserSerializer(serializers.Serializer[Any]):
    """A person in an answer."""

    id = serializers.CharField()
    name = serializers.CharField()
    email = serializers.EmailField()


class MeSerializer(serializers.Serializer[Any]):
    """Who the credential speaks for."""

    user = UserSerializer()
    organization = OrganizationSerializer()
    role = serializers.CharField()


class DeviceStart(serializers.Serializer[Any]):
    """What a terminal says about itself."""

    client_name = serializers.CharField(max_length=80, required=False, default="Levqor CLI")


class DeviceStartAnswer(serializers.Serializer[Any]):
    """RFC 8628 3.2."""

    device_code = SecretTextField()
    user_code = serializers.CharField()
    verification_uri = serializers.URLField()
    verification_uri_complete = serializers.URLField()
    expires_in = serializers.IntegerField()
    interval = serializers.IntegerField()


class DeviceToken(serializers.Serializer[Any]):
    """The code that the terminal got."""

    device_code = SecretTextField(max_length=200)


class NewToken(serializers.Serializer[Any]):
    """What a new token is for."""

    client_name = serializers.CharField(max_length=80, required=False, default="API token")


class Refresh(serializers.Serializer[Any]):
    """A refresh token."""

    refresh = SecretTextField(max_length=2000)


class TokenOrganization(serializers.Serializer[Any]):
    """The organization that a token speaks for."""

    id = serializers.CharField()
    name = serializers.CharField()


class TokenPairSerializer(serializers.Serializer[Any]):
    """A token pair; `expires_in` is the access token's life in seconds."""

    access = SecretTextField()
    refresh = SecretTextField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField()
    organization = TokenOrganization()


def _checked(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    filled = serializer(data=request.data)
    filled.is_valid(raise_exception=True)
    data: dict[str, Any] = filled.validated_data
    return data


def _secret(data: dict[str, Any], code: int = status.HTTP_200_OK) -> Response:
    """An answer with credentials in it: nobody may keep a copy."""
    response = Response(data, status=code)
    response["Cache-Control"] = "no-store"
    return response


class MeView(OrganizationAPIView):
    """The person and organization that the credential speaks for."""

    permission_codes = {"get": "organization.view"}

    @extend_schema(operation_id="me", tags=["account"], responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Who am I."""
        user, organization = self.actor.user, self.organization
        return Response(
            {
                "user": {"id": user.public_id, "name": user.name, "email": user.email},
                "organization": {
                    "id": organization.public_id,
                    "name": organization.name,
                    "slug": organization.slug,
                    "livemode": organization.livemode,
                    "timezone": organization.timezone,
                },
                "role": self.actor.role,
            }
        )


class OpenView(APIView):
    """Base of the endpoints whose body is the credential."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class DeviceStartView(OpenView):
    """A terminal begins to log in."""

    @extend_schema(
        operation_id="device_start",
        tags=["auth"],
        auth=[],
        request=DeviceStart,
        responses={200: DeviceStartAnswer},
    )
    def post(self, request: Request) -> Response:
        """Ask for a code that a person approves in the browser."""
        limit(request._request, "device_start", "30/h")
        return _secret(device.start(_checked(DeviceStart, request)["client_name"]).as_json())


class DeviceTokenView(OpenView):
    """A terminal asks whether it was let in."""

    @extend_schema(
        operation_id="device_token",
        tags=["auth"],
        auth=[],
        request=DeviceToken,
        responses={
            200: TokenPairSerializer,
            400: OpenApiResponse(description="authorization_pending, slow_down, access_denied or expired_token"),
        },
    )
    def post(self, request: Request) -> Response:
        """Exchange an approved device code for a token pair, once."""
        limit(request._request, "device_token", "120/m")
        return _secret(device.poll(_checked(DeviceToken, request)["device_code"]).as_json())


class TokenView(OrganizationAPIView):
    """A token pair from a signed-in session: never from another token."""

    authentication_classes = (OrganizationSessionAuthentication,)
    permission_codes = {"post": "tokens.create"}

    @extend_schema(operation_id="token_create", tags=["auth"], request=NewToken, responses={201: TokenPairSerializer})
    def post(self, request: Request) -> Response:
        """Create a token pair for the session's organization."""
        require_own_account(self.actor)
        limit(request._request, "token_create", "30/h", key="user")
        pair = tokens.mint(
            self.actor.user,
            self.organization,
            origin=TokenFamily.Origin.SESSION,
            client_name=_checked(NewToken, request)["client_name"],
        )
        return _secret(pair.as_json(), status.HTTP_201_CREATED)


class TokenRefreshView(OpenView):
    """The next pair of a login."""

    @extend_schema(operation_id="token_refresh", tags=["auth"], auth=[], request=Refresh, responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        """Replace a refresh token; using one twice revokes the whole login."""
        limit(request._request, "token_refresh", "300/m")
        return _secret(tokens.refresh(_checked(Refresh, request)["refresh"]).as_json())


class TokenRevokeView(OpenView):
    """The end of a login."""

    @extend_schema(
        operation_id="token_revoke",
        tags=["auth"],
        auth=[],
        request=Refresh,
        responses={204: OpenApiResponse(description="Revoked, or not known any more")},
    )
    def post(self, request: Request) -> Response:
        """Revoke a login by its refresh token."""
        limit(request._request, "token_revoke", "300/m")
        tokens.revoke_by_refresh_token(_checked(Refresh, request)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


__all__ = ["openapi"]  # imported so that its extensions are registered
