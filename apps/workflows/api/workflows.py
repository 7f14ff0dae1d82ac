"""Workflows and versions."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api_base import OrganizationAPIView
from apps.core.brand import current_brand
from apps.core.openapi import IDEMPOTENCY
from apps.workflows import selectors
from apps.workflows.api import represent, schemas
from apps.workflows.definition.schema import definition_schema
from apps.workflows.definition.validate import check_source
from apps.workflows.models import Workflow
from apps.workflows.services import publishing


def _detail(workflow: Workflow) -> dict[str, Any]:
    site_url = current_brand().site_url
    triggers = [represent.trigger(row, site_url) for row in workflow.triggers.order_by("pk")]
    return {**represent.workflow(workflow), "triggers": triggers}


class WorkflowListView(OrganizationAPIView):
    """`/workflows`"""

    permission_codes = {"get": "workflows.view", "post": "workflows.edit"}

    @extend_schema(
        operation_id="list_workflows",
        parameters=[schemas.LIMIT, schemas.CURSOR, OpenApiParameter("archived", bool)],
        responses={200: schemas.listed(schemas.WorkflowAnswer)},
    )
    def get(self, request: Request) -> Response:
        """The organization's workflows, newest first."""
        archived = request.query_params.get("archived", "").lower() in {"true", "1"}
        return self.paginated(request, selectors.workflows_of(self.organization, archived=archived), represent.workflow)

    @extend_schema(
        operation_id="create_workflow",
        parameters=[IDEMPOTENCY],
        request=schemas.CreateWorkflow,
        responses={201: schemas.WorkflowDetail},
    )
    def post(self, request: Request) -> Response:
        """Create a workflow from a definition."""
        form = schemas.CreateWorkflow(data=request.data)
        form.is_valid(raise_exception=True)

        def create() -> Response:
            data = form.validated_data
            published = publishing.create_workflow(
                self.organization, data["source"], self.actor, slug=data.get("slug"), message=data["message"]
            )
            return Response(_detail(published.workflow), status=status.HTTP_201_CREATED)

        return self.once(request, create)


class WorkflowView(OrganizationAPIView):
    """`/workflows/{id}`"""

    permission_codes = {"get": "workflows.view", "patch": "workflows.edit", "delete": "workflows.edit"}

    @extend_schema(operation_id="get_workflow", responses={200: schemas.WorkflowDetail})
    def get(self, request: Request, workflow: str) -> Response:
        """A workflow by its id or slug."""
        return Response(_detail(selectors.get_workflow(self.organization, workflow)))

    @extend_schema(
        operation_id="change_workflow",
        request=schemas.ChangeWorkflow,
        responses={200: schemas.WorkflowDetail},
    )
    def patch(self, request: Request, workflow: str) -> Response:
        """Switch its triggers on or off, archive or restore it."""
        row = selectors.get_workflow(self.organization, workflow)
        form = schemas.ChangeWorkflow(data=request.data)
        form.is_valid(raise_exception=True)
        if "enabled" in form.validated_data:
            publishing.set_enabled(row, enabled=form.validated_data["enabled"])
        if "archived" in form.validated_data:
            change = publishing.archive_workflow if form.validated_data["archived"] else publishing.restore_workflow
            change(row)
        return Response(_detail(row))

    @extend_schema(operation_id="archive_workflow", responses={204: None})
    def delete(self, request: Request, workflow: str) -> Response:
        """Archive a workflow. Its runs stay."""
        publishing.archive_workflow(selectors.get_workflow(self.organization, workflow))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ValidateView(OrganizationAPIView):
    """`/workflows/validate`"""

    permission_codes = {"post": "workflows.view"}

    @extend_schema(
        operation_id="validate_definition",
        request=schemas.ValidateSource,
        responses={200: schemas.Validation},
    )
    def post(self, request: Request) -> Response:
        """Check a definition without storing it."""
        form = schemas.ValidateSource(data=request.data)
        form.is_valid(raise_exception=True)
        definition, problems = check_source(form.validated_data["source"])
        return Response(
            {
                "valid": definition is not None,
                "errors": [problem.as_dict() for problem in problems],
                "definition": definition,
            }
        )


class VersionListView(OrganizationAPIView):
    """`/workflows/{id}/versions`"""

    permission_codes = {"get": "workflows.view", "post": "workflows.edit"}

    @extend_schema(
        operation_id="list_versions",
        parameters=[schemas.LIMIT, schemas.CURSOR],
        responses={200: schemas.listed(schemas.VersionAnswer)},
    )
    def get(self, request: Request, workflow: str) -> Response:
        """A workflow's versions, newest first."""
        row = selectors.get_workflow(self.organization, workflow)
        return self.paginated(request, row.versions.defer("source", "definition"), represent.version)

    @extend_schema(
        operation_id="publish_version",
        parameters=[IDEMPOTENCY],
        request=schemas.PublishVersion,
        responses={
            200: schemas.PublishedAnswer,
            201: schemas.PublishedAnswer,
        },
    )
    def post(self, request: Request, workflow: str) -> Response:
        """Publish a definition as the next version; 200 when it is the newest one already."""
        row = selectors.get_workflow(self.organization, workflow)
        form = schemas.PublishVersion(data=request.data)
        form.is_valid(raise_exception=True)

        def publish() -> Response:
            data = form.validated_data
            published = publishing.publish_version(
                row, data["source"], self.actor, message=data["message"], base=data.get("base")
            )
            answer = {**represent.version(published.version, source=True), "created": published.created}
            return Response(answer, status=status.HTTP_201_CREATED if published.created else status.HTTP_200_OK)

        return self.once(request, publish)


class VersionView(OrganizationAPIView):
    """`/workflows/{id}/versions/{number}`"""

    permission_codes = {"get": "workflows.view"}

    @extend_schema(operation_id="get_version", responses={200: schemas.VersionDetail})
    def get(self, request: Request, workflow: str, number: int) -> Response:
        """A version with its source."""
        row = selectors.get_workflow(self.organization, workflow)
        return Response(represent.version(selectors.get_version(row, number), source=True))


class WorkflowSchemaView(APIView):
    """`/schemas/workflow`, open to everybody."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(operation_id="get_workflow_schema", auth=[], responses={200: dict})
    def get(self, request: Request) -> Response:
        """The JSON Schema of definitions."""
        return Response(definition_schema())
