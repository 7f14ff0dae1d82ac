"""Workflows under /api/v1/. They are tried in this order: what is asked for most comes first."""

from django.urls import path

from apps.workflows.api import runs, secrets, triggers, workflows

urlpatterns = [
    path("runs", runs.RunListView.as_view(), name="api_runs"),
    path("runs/<str:run>", runs.RunView.as_view(), name="api_run"),
    path("runs/<str:run>/steps", runs.RunStepsView.as_view(), name="api_run_steps"),
    path("runs/<str:run>/steps/<str:step>", runs.StepView.as_view(), name="api_run_step"),
    path("runs/<str:run>/events", runs.RunEventsView.as_view(), name="api_run_events"),
    path("runs/<str:run>/cancel", runs.CancelRunView.as_view(), name="api_run_cancel"),
    path("runs/<str:run>/steps/<str:step>/approve", runs.DecideView.as_view(), name="api_step_decide"),
    path("schemas/workflow", workflows.WorkflowSchemaView.as_view(), name="api_workflow_schema"),
    path("workflows", workflows.WorkflowListView.as_view(), name="api_workflows"),
    path("workflows/validate", workflows.ValidateView.as_view(), name="api_validate"),
    path("workflows/<str:workflow>", workflows.WorkflowView.as_view(), name="api_workflow"),
    path("workflows/<str:workflow>/versions", workflows.VersionListView.as_view(), name="api_versions"),
    path("workflows/<str:workflow>/versions/<int:number>", workflows.VersionView.as_view(), name="api_version"),
    path(
        "workflows/<str:workflow>/triggers/<str:trigger>/secret",
        triggers.TriggerSecretView.as_view(),
        name="api_trigger_secret",
    ),
    path("workflows/<str:workflow>/runs", runs.WorkflowRunsView.as_view(), name="api_workflow_runs"),
    path("secrets", secrets.SecretListView.as_view(), name="api_secrets"),
    path("secrets/<str:name>", secrets.SecretView.as_view(), name="api_secret"),
]
