"""Reads of the workflows app."""

import uuid

from django.db.models import Case, F, QuerySet, TextField, When
from django.db.models.fields.json import KT
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.core.compiled import CompiledRead
from apps.core.errors import NotFoundError
from apps.core.ids import InvalidIdError
from apps.workflows.models import Run, StepRun, Trigger, Workflow, WorkflowVersion


def workflows_of(organization: Organization, *, archived: bool = False) -> QuerySet[Workflow]:
    """The organization's workflows with their latest version, archived ones only on request."""
    own = (
        Workflow.objects.for_organization(organization)
        .select_related("latest_version")
        .defer("latest_version__source", "latest_version__definition")
    )
    return own.filter(archived_at__isnull=not archived)


def count_in_use(organization_id: uuid.UUID) -> int:
    """How many workflows the organization has, without the archived ones."""
    return Workflow.objects.for_organization(organization_id).filter(archived_at=None).count()


def get_workflow(organization: Organization, reference: str) -> Workflow:
    """The organization's workflow with this public id or slug. Raises `NotFoundError`."""
    own = Workflow.objects.for_organization(organization).select_related("latest_version")
    try:
        found = own.filter(pk=Workflow.parse_public_id(reference)).first()
    except InvalidIdError:
        found = own.filter(slug=reference[:80]).first()
    if found is None:
        raise Workflow.missing(reference)
    return found


def get_version(workflow: Workflow, number: int) -> WorkflowVersion:
    """A version by its number. Raises `NotFoundError`."""
    version = workflow.versions.filter(number=number).first()
    if version is None:
        raise NotFoundError(_("There is no version %(number)s.") % {"number": number})
    return version


OF_VERSION = ("version__source", "version__definition")
RUN_BODIES = ("trigger_data", "inputs", "output")
SHOWN_OF_RUN = (
    *("organization_id", "state", "trigger_kind", "priority", "revision", "livemode", *RUN_BODIES, "error"),
    *("created_at", "started_at", "finished_at", "cancel_requested_at"),
    *("workflow__name", "workflow__slug", "version__number"),
)
STEP_BODIES = ("input", "output", "attempts", "signal")
WITHOUT_DETAILS = JSONObject(code=F("error__code"), message=F("error__message"), step=F("error__step"))


def runs_of(organization: Organization) -> QuerySet[Run]:
    """The organization's runs, ready to be listed: what went in and came out is not loaded."""
    return _runs(organization).defer(*OF_VERSION, *RUN_BODIES)


def get_run(organization: Organization, public_id: str) -> Run:
    """The organization's run with this public id, whole. Raises `NotFoundError`."""
    return _one(_runs(organization).defer(*OF_VERSION), public_id)


def get_run_to_show(organization: Organization, public_id: str) -> Run:
    """The organization's run with what the API shows of it and nothing else. Raises `NotFoundError`."""
    run = _SHOWN_RUN.first(organization.pk, Run.parse_public_id(public_id))
    if run is None:
        raise Run.missing(public_id)
    return run


def run_summaries(organization: Organization) -> QuerySet[Run]:
    """The organization's runs without anything that can be large; `failure` is the error without its details."""
    return runs_of(organization).defer("error").annotate(failure=WITHOUT_DETAILS)


def get_run_summary(organization: Organization, public_id: str) -> Run:
    """The organization's run with this public id, as `run_summaries` has it. Raises `NotFoundError`."""
    return _one(run_summaries(organization), public_id)


def _runs(organization: Organization | uuid.UUID) -> QuerySet[Run]:
    return Run.objects.for_organization(organization).select_related("workflow", "version")


_SHOWN_RUN = CompiledRead(
    lambda organization, run: _runs(organization).only(*SHOWN_OF_RUN).filter(pk=run).order_by(), 2
)


def _one(runs: QuerySet[Run], public_id: str) -> Run:
    run = runs.filter(pk=Run.parse_public_id(public_id)).first()
    if run is None:
        raise Run.missing(public_id)
    return run


def open_in_group(workflow_id: uuid.UUID, concurrency_key: str) -> QuerySet[Run]:
    """The runs of a concurrency group that have not ended."""
    return Run.objects.unscoped().filter(
        workflow_id=workflow_id, concurrency_key=concurrency_key, finished_at__isnull=True
    )


def get_step(run: Run, public_id: str) -> StepRun:
    """A step of the run. Raises `NotFoundError`."""
    step = run.steps.filter(pk=StepRun.parse_public_id(public_id)).first()
    if step is None:
        raise StepRun.missing(public_id)
    return step


def step_summaries(run: Run) -> QuerySet[StepRun]:
    """The run's steps without anything that can be large.

    `failure` is the error without its details; `question` and `roles` (as JSON) are those of an open approval.
    """
    return run.steps.defer("error", *STEP_BODIES).annotate(
        failure=WITHOUT_DETAILS, question=_of_approval("message"), roles=_of_approval("roles")
    )


def _of_approval(member: str) -> Case:
    waiting = When(waiting_for=StepRun.WaitingFor.APPROVAL, then=KT(f"input__{member}"))
    return Case(waiting, output_field=TextField())


def changes_since(run: Run, revision: int) -> QuerySet[StepRun]:
    """Summaries of the steps that changed after a revision, in the order of their change."""
    return step_summaries(run).filter(revision__gt=revision).order_by("revision", "position")


def open_approvals(organization: Organization) -> QuerySet[StepRun]:
    """Steps that wait for a person, newest first."""
    return (
        StepRun.objects.for_organization(organization)
        .filter(waiting_for=StepRun.WaitingFor.APPROVAL, signal__isnull=True)
        .select_related("run__workflow")
        .defer("output", "attempts", "error", *(f"run__{name}" for name in (*RUN_BODIES, "error")))
        .order_by("-pk")
    )


def get_webhook(public_id: str) -> Trigger:
    """The webhook at this address, of whatever organization: its signature is what lets a caller in."""
    try:
        pk: uuid.UUID = Trigger.parse_public_id(public_id)
    except InvalidIdError as error:
        raise NotFoundError from error
    trigger = (
        Trigger.objects.unscoped()
        .select_related("workflow", "organization")
        .filter(pk=pk, kind=Trigger.Kind.WEBHOOK)
        .first()
    )
    if trigger is None:
        raise NotFoundError
    return trigger
