"""What workflows add to the platform."""

from django.utils.translation import gettext_lazy as _

from apps.accounts.permissions import ALL_ROLES, BUILDERS
from apps.core.kinds import (
    AuditAction,
    EventHandler,
    EventType,
    Feature,
    Gauge,
    NoticeType,
    Permission,
    SandboxSeed,
    Seed,
    StatusComponent,
    Tick,
)
from apps.core.registry import register
from apps.workflows import handlers, limits, page_contributions, pulse, sandbox, staff_contributions, watched
from apps.workflows.demo import seed
from apps.workflows.engine.finish import RUN_FINISHED
from apps.workflows.selectors import count_in_use
from apps.workflows.services.publishing import WORKFLOWS
from apps.workflows.steps.approval import APPROVAL, APPROVAL_REQUESTED
from apps.workflows.steps.delay import DELAY
from apps.workflows.steps.email import EMAIL
from apps.workflows.steps.http import HTTP
from apps.workflows.steps.notion import NOTION
from apps.workflows.steps.subflow import SUBFLOW
from apps.workflows.steps.transform import TRANSFORM
from apps.workflows.tasks import FIRE_TASK, RECONCILE_TASK

register(Feature(WORKFLOWS, _("Workflows"), "static", limits.FREE_WORKFLOWS, used=count_in_use))
register(*pulse.METRICS, *pulse.ACTIVITY)
register(HTTP, TRANSFORM, DELAY, EMAIL, APPROVAL, SUBFLOW, NOTION)
register(
    Permission("workflows.view", _("See workflows and runs"), ALL_ROLES, for_keys=True),
    Permission("workflows.edit", _("Create and publish workflows"), BUILDERS, for_keys=True),
    Permission("runs.start", _("Start and cancel runs"), BUILDERS, for_keys=True),
    Permission("runs.decide", _("Answer approvals"), ALL_ROLES, for_keys=True),  # the step itself names the roles
    Permission("secrets.view", _("See the names of secrets"), BUILDERS, for_keys=True),
    Permission("secrets.manage", _("Store and delete secrets"), BUILDERS, for_keys=True),
)
register(
    EventType(RUN_FINISHED, _("A run ended")),
    EventType(APPROVAL_REQUESTED, _("A run waits for an approval")),
)
register(
    NoticeType(
        handlers.RUN_FAILED,
        _("A run failed"),
        _("To those who build workflows, once in an hour for each workflow."),
    ),
    NoticeType(
        handlers.APPROVAL_ASKED,
        _("A run waits for your answer"),
        _("To those whom an approval step asks. The run waits until somebody answers."),
    ),
    EventHandler(RUN_FINISHED, "mail_failed_run", handlers.mail_failed_run, when=handlers.is_top_failure),
    EventHandler(RUN_FINISHED, "start_failure_workflow", handlers.start_failure_workflow, when=handlers.is_top_failure),
    EventHandler(APPROVAL_REQUESTED, "mail_approvers", handlers.mail_approval_request),
)
register(
    AuditAction("workflows.workflow_created", _("Created a workflow")),
    AuditAction("workflows.version_published", _("Published a version")),
    AuditAction("workflows.workflow_archived", _("Archived a workflow")),
    AuditAction("workflows.workflow_restored", _("Restored a workflow")),
    AuditAction("workflows.triggers_enabled", _("Switched triggers on")),
    AuditAction("workflows.triggers_disabled", _("Switched triggers off")),
    AuditAction("workflows.webhook_secret_rotated", _("Renewed a webhook's secret")),
    AuditAction("workflows.run_cancelled", _("Cancelled a run")),
    AuditAction("workflows.approval_given", _("Approved a step")),
    AuditAction("workflows.approval_refused", _("Refused a step")),
    AuditAction("workflows.secret_stored", _("Stored a secret")),
    AuditAction("workflows.secret_deleted", _("Deleted a secret")),
)
register(
    Tick("reconcile_runs", RECONCILE_TASK, 2),
    Tick("fire_triggers", FIRE_TASK, 5),
)
register(
    Gauge("levqor_queue_depth", "Runs that are due and that no worker has.", watched.queue_depth),
    Gauge(
        "levqor_queue_lag_seconds",
        "For how long a run waits that a worker may take: its organization has fewer than it may.",
        watched.queue_lag,
    ),
    Gauge("levqor_run_leases", "Runs that workers have, and whose worker is silent.", watched.leases, ("state",)),
    Gauge("levqor_recent_runs", "The runs of the last 15 minutes by state.", watched.states, ("state",)),
    Gauge("levqor_recent_run_seconds", "How long those took that ended.", watched.durations, ("quantile",)),
    StatusComponent("runs", _("Workflow runs"), _("Runs begin and go on"), watched.runs_go_on, order=30),
    StatusComponent(
        "schedules", _("Schedules"), _("Workflows start when their time comes"), watched.schedules_fire, order=40
    ),
    StatusComponent("webhooks", _("Webhooks"), _("Calls that start workflows"), watched.webhooks_are_taken, order=45),
)
register(Seed("workflows", seed.load, order=50), SandboxSeed("workflows", sandbox.load))

__all__ = ["page_contributions", "staff_contributions"]  # imported so that its contributions are made
