"""The vault: names out, values in."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api_base import OrganizationAPIView
from apps.workflows.api import represent, schemas
from apps.workflows.models import Secret
from apps.workflows.services.secrets import delete_secret, put_secret


class SecretListView(OrganizationAPIView):
    """`/secrets`"""

    permission_codes = {"get": "secrets.view"}

    @extend_schema(
        operation_id="list_secrets",
        parameters=[schemas.LIMIT, schemas.CURSOR],
        responses={200: schemas.listed(schemas.SecretAnswer)},
    )
    def get(self, request: Request) -> Response:
        """The names of the organization's secrets."""
        secrets = Secret.objects.for_organization(self.organization).defer("value")
        return self.paginated(request, secrets, represent.secret)


class SecretView(OrganizationAPIView):
    """`/secrets/{name}`"""

    permission_codes = {"put": "secrets.manage", "delete": "secrets.manage"}

    @extend_schema(
        operation_id="put_secret",
        request=schemas.PutSecret,
        responses={200: schemas.SecretAnswer},
    )
    def put(self, request: Request, name: str) -> Response:
        """Store or replace a secret."""
        form = schemas.PutSecret(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(represent.secret(put_secret(self.organization, name, form.validated_data["value"], self.actor)))

    @extend_schema(operation_id="delete_secret", responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Forget a secret."""
        delete_secret(self.organization, name)
        return Response(status=status.HTTP_204_NO_CONTENT)
