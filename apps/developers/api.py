"""The API of keys, and where secret scanners report those that leaked."""

import hashlib
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api_base import OrganizationAPIView
from apps.accounts.models import ApiKey
from apps.accounts.permissions import require_own_account
from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import IssuedKey, Terms
from apps.accounts.web import limit
from apps.core.errors import InvalidInputError
from apps.core.openapi import SecretTextField
from apps.developers import forms, selectors
from apps.workflows.api.schemas import CURSOR, LIMIT, StrictSerializer, listed

MOST_REPORTED = 100
OVERLAPS = list(forms.OVERLAPS)
REPORT_LABELS = ["true_positive", "false_positive"]


class NewKey(StrictSerializer):
    """What a key is for and how far it goes."""

    name = serializers.CharField(max_length=120)
    environment = serializers.ChoiceField(
        choices=ApiKey.Environment.choices,
        required=False,
        default=ApiKey.Environment.LIVE,
        help_text=_("“test” is for the sandbox."),
    )
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=80),
        max_length=50,
        required=False,
        help_text=_("Such as “runs:start”; all that a key can have when left out."),
    )
    networks = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, default=list, max_length=50
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class Rotation(StrictSerializer):
    """How long the old key stays good."""

    overlap = serializers.ChoiceField(choices=OVERLAPS, required=False, default="1d")


class KeyAnswer(serializers.Serializer[Any]):
    """A key without its secret."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    shown = serializers.CharField(help_text=_("Prefix and last four characters."))
    environment = serializers.ChoiceField(choices=ApiKey.Environment.choices)
    state = serializers.ChoiceField(choices=ApiKey.State.choices)
    scopes = serializers.ListField(child=serializers.CharField())
    networks = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    good_until = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class IssuedKeyAnswer(KeyAnswer):
    """A new key with its secret, told this once."""

    key = SecretTextField()


class Report(serializers.Serializer[Any]):
    """One text that looks like a key of ours, as GitHub's secret scanning sends it."""

    token = serializers.CharField(max_length=200)
    type = serializers.CharField(max_length=100, required=False, allow_blank=True)
    url = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    source = serializers.CharField(max_length=100, required=False, allow_blank=True)  # type: ignore[assignment] # GitHub's name


class ReportAnswer(serializers.Serializer[Any]):
    """What became of one report."""

    token_hash = serializers.CharField(help_text=_("SHA-256 of the reported text."))
    label = serializers.ChoiceField(choices=REPORT_LABELS)  # type: ignore[assignment] # GitHub's name


def as_json(key: ApiKey) -> dict[str, Any]:
    """A key as the API shows it."""
    return dict(KeyAnswer(key).data)


def _told_once(issued: IssuedKey) -> Response:
    response = Response({**as_json(issued.key), "key": issued.secret}, status=status.HTTP_201_CREATED)
    response["Cache-Control"] = "no-store"
    return response


class NewKeyView(OrganizationAPIView):
    """`/api/key/new`"""

    permission_codes = {"post": "keys.manage"}

    @extend_schema(operation_id="create_key", tags=["keys"], request=NewKey, responses={201: IssuedKeyAnswer})
    def post(self, request: Request) -> Response:
        """Create the organization's key. Its secret is in this answer and nowhere else.

        Of each environment one key is active at a time and one can be created a day (UTC): 409 otherwise. To replace a
        key, rotate it.
        """
        require_own_account(self.actor)
        form = NewKey(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        terms = Terms(data["name"], data.get("scopes"), data["networks"], data["expires_at"])
        return _told_once(api_keys.create_key(self.actor, self.organization, data["environment"], terms))


class KeyListView(OrganizationAPIView):
    """`/api/v1/keys`"""

    permission_codes = {"get": "keys.view"}

    @extend_schema(
        operation_id="list_keys", tags=["keys"], parameters=[LIMIT, CURSOR], responses={200: listed(KeyAnswer)}
    )
    def get(self, request: Request) -> Response:
        """The organization's keys, newest first, without their secrets."""
        return self.paginated(request, selectors.keys_of(self.organization), as_json)


class KeyRotateView(OrganizationAPIView):
    """`/api/v1/keys/{key_id}/rotate`"""

    permission_codes = {"post": "keys.manage"}

    @extend_schema(operation_id="rotate_key", tags=["keys"], request=Rotation, responses={201: IssuedKeyAnswer})
    def post(self, request: Request, key_id: str) -> Response:
        """Replace the active key: the new secret is in this answer, the old key stays good for the overlap.

        At most two keys are good at a time: one that an earlier rotation left good ends now. A key can be rotated 20
        times a day (UTC): 409 beyond that.
        """
        require_own_account(self.actor)
        key = selectors.get_key(self.organization, key_id)
        form = Rotation(data=request.data)
        form.is_valid(raise_exception=True)
        overlap, _label = forms.OVERLAPS[form.validated_data["overlap"]]
        return _told_once(api_keys.rotate_key(self.actor, key, overlap))


class KeyRevokeView(OrganizationAPIView):
    """`/api/v1/keys/{key_id}/revoke`"""

    permission_codes = {"post": "keys.manage"}

    @extend_schema(operation_id="revoke_key", tags=["keys"], request=None, responses={200: KeyAnswer})
    def post(self, request: Request, key_id: str) -> Response:
        """Refuse a key from the next call on. Twice changes nothing."""
        api_keys.revoke_key(selectors.get_key(self.organization, key_id))
        return Response(as_json(selectors.get_key(self.organization, key_id)))


class SecretScanningView(APIView):
    """`/api/secret-scanning`"""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="report_leaked_keys",
        tags=["keys"],
        auth=[],
        request=Report(many=True),
        responses={200: ReportAnswer(many=True)},
    )
    def post(self, request: Request) -> Response:
        """Report keys that were found in the open: live ones are revoked at once, and their owners are told.

        Whoever has a key may end it, so no other proof is asked for. At most 100 at a time.
        """
        limit(request._request, "secret_scanning", "60/m")
        if not isinstance(request.data, list) or not 1 <= len(request.data) <= MOST_REPORTED:
            raise InvalidInputError(
                _("The body is a list of 1 to %(most)s reports.") % {"most": MOST_REPORTED}, code="invalid_reports"
            )
        form = Report(data=request.data, many=True)
        form.is_valid(raise_exception=True)
        return Response([_outcome(report["token"]) for report in form.validated_data])


def _outcome(token: str) -> dict[str, str]:
    label = "true_positive" if api_keys.report_leak(token) else "false_positive"
    return {"token_hash": hashlib.sha256(token.encode()).hexdigest(), "label": label}
