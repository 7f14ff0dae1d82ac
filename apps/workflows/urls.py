"""Pages of workflows."""

from django.urls import path

from apps.workflows.views import approvals, dashboard, editor, run_now, runs, secrets, triggers, versions, workflows

urlpatterns = [
    path("workflows", workflows.workflow_list, name="workflows"),
    path("workflows/new", editor.new, name="workflow_new"),
    path("workflows/new/check", editor.check, name="workflow_check"),
    path("workflows/<str:slug>", workflows.workflow, name="workflow"),
    path("workflows/<str:slug>/edit", editor.edit, name="workflow_editor"),
    path("workflows/<str:slug>/run", run_now.run_now, name="workflow_run"),
    path("workflows/<str:slug>/runs", runs.workflow_runs, name="workflow_runs"),
    path("workflows/<str:slug>/archive", workflows.archive, name="workflow_archive"),
    path("workflows/<str:slug>/restore", workflows.restore, name="workflow_restore"),
    path("workflows/<str:slug>/triggers", triggers.triggers, name="workflow_triggers"),
    path("workflows/<str:slug>/triggers/switch", workflows.switch, name="workflow_switch"),
    path("workflows/<str:slug>/triggers/<str:trigger_id>/switch", triggers.trigger_switch, name="trigger_switch"),
    path("workflows/<str:slug>/triggers/<str:trigger_id>/reveal", triggers.reveal, name="trigger_reveal"),
    path("workflows/<str:slug>/triggers/<str:trigger_id>/rotate", triggers.rotate, name="trigger_rotate"),
    path("workflows/<str:slug>/versions", versions.versions, name="workflow_versions"),
    path("workflows/<str:slug>/versions/<int:number>", versions.version, name="workflow_version"),
    path("workflows/<str:slug>/versions/<int:number>/restore", versions.restore_version, name="version_restore"),
    path("runs", runs.run_list, name="runs"),
    path("runs/<str:run_id>", runs.run_page, name="run"),
    path("runs/<str:run_id>/live", runs.run_live, name="run_live"),
    path("runs/<str:run_id>/items", runs.run_items, name="run_items"),
    path("runs/<str:run_id>/cancel", runs.run_cancel, name="run_cancel"),
    path("runs/<str:run_id>/again", run_now.run_again, name="run_again"),
    path("runs/<str:run_id>/steps/<str:step_id>", runs.run_step, name="run_step"),
    path("runs/<str:run_id>/steps/<str:step_id>/decide", approvals.step_decide, name="step_decide"),
    path("approvals", approvals.approval_list, name="approvals"),
    path("secrets", secrets.secret_list, name="secrets"),
    path("secrets/store", secrets.secret_put, name="secret_put"),
    path("secrets/<str:name>/delete", secrets.secret_delete, name="secret_delete"),
    path("getting-started/hide", dashboard.hide_getting_started, name="getting_started_hide"),
]
