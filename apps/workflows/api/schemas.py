"""The shapes of requests and answers, for validation and for the OpenAPI document."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from apps.core.openapi import SecretTextField
from apps.workflows import limits
from apps.workflows.models import Run, StepRun

STATES = [state.value for state in Run.State]
STEP_STATES = [state.value for state in StepRun.State]
PRIORITIES = ["high", "normal", "low"]
RUN_TRIGGERS = [kind.value for kind in Run.TriggerKind]
TRIGGER_TYPES = ["cron", "webhook"]
EVENT_TYPES = ["run", "step"]
DECISIONS = ["approve", "reject"]

LIMIT = OpenApiParameter("limit", int, description="How many rows, 1 to 100 (25 when left out).")
CURSOR = OpenApiParameter("cursor", str, description="`next_cursor` of the page before.")


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses members that it does not know, so that a typing mistake is told instead of ignored."""

    def to_internal_value(self, data: Any) -> Any:
        """Check names, then values."""
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({name: ["This member is not known here."] for name in unknown})
        return super().to_internal_value(data)


class SourceField(serializers.CharField):
    """A definition's text, as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=limits.SOURCE_BYTES, trim_whitespace=False, **kwargs)


class CreateWorkflow(StrictSerializer):
    """A new workflow."""

    source = SourceField()  # type: ignore[assignment] # the member is called so in the API
    slug = serializers.RegexField(r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80, required=False)
    message = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class ChangeWorkflow(StrictSerializer):
    """What of a workflow can change without a version."""

    enabled = serializers.BooleanField(required=False)
    archived = serializers.BooleanField(required=False)


class PublishVersion(StrictSerializer):
    """A new version."""

    source = SourceField()  # type: ignore[assignment] # the member is called so in the API
    message = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    base = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2_000_000_000,
        help_text=_(
            "The number of the version that the text was made from. Where another is the newest by now, nothing is "
            "published (409, `version_overtaken`, with its number as `newest`). Left out, the newest is replaced."
        ),
    )


class ValidateSource(StrictSerializer):
    """A text to be checked."""

    source = SourceField(allow_blank=True)  # type: ignore[assignment] # the member is called so in the API


class StartRun(StrictSerializer):
    """A new run."""

    inputs = serializers.DictField(required=False, default=dict)
    version = serializers.IntegerField(required=False, min_value=1, max_value=2_000_000_000)
    priority = serializers.ChoiceField(PRIORITIES, required=False)


class DecideStep(StrictSerializer):
    """A person's answer."""

    decision = serializers.ChoiceField(DECISIONS)
    comment = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")


class PutSecret(StrictSerializer):
    """A secret's value."""

    value = SecretTextField(max_length=limits.SECRET_BYTES, trim_whitespace=False)


class DefinitionProblem(serializers.Serializer[Any]):
    """One thing wrong with a definition."""

    line = serializers.IntegerField()
    column = serializers.IntegerField()
    path = serializers.CharField()
    message = serializers.CharField()
    expected = serializers.CharField(allow_blank=True)


class Validation(serializers.Serializer[Any]):
    """What a check found."""

    valid = serializers.BooleanField()
    errors = DefinitionProblem(many=True)  # type: ignore[assignment] # the member is called so in the API
    definition = serializers.DictField(allow_null=True)


class WorkflowAnswer(serializers.Serializer[Any]):
    """A workflow."""

    id = serializers.CharField()
    name = serializers.CharField()
    slug = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField(allow_null=True)
    enabled = serializers.BooleanField()
    archived_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class TriggerAnswer(serializers.Serializer[Any]):
    """A trigger of a workflow."""

    id = serializers.CharField()
    name = serializers.CharField()
    type = serializers.ChoiceField(TRIGGER_TYPES)
    enabled = serializers.BooleanField()
    next_slot = serializers.DateTimeField(
        allow_null=True, help_text=_("Of a schedule; null in the sandbox, where schedules are not fired.")
    )
    last_fired_at = serializers.DateTimeField(allow_null=True)
    last_outcome = serializers.CharField(allow_blank=True)
    url = serializers.CharField(allow_null=True)


class RenewedWebhook(TriggerAnswer):
    """A webhook with its new signing secret, told this once."""

    secret = SecretTextField()


class WorkflowDetail(WorkflowAnswer):
    """A workflow with its triggers."""

    triggers = TriggerAnswer(many=True)


class VersionAnswer(serializers.Serializer[Any]):
    """A version without its source."""

    id = serializers.CharField()
    number = serializers.IntegerField()
    message = serializers.CharField(allow_blank=True)
    digest = serializers.CharField()
    created_at = serializers.DateTimeField()


class VersionDetail(VersionAnswer):
    """A version with its source."""

    source = serializers.CharField()  # type: ignore[assignment] # the member is called so in the API
    definition = serializers.DictField()


class PublishedAnswer(VersionDetail):
    """A version, and whether the text made a new one."""

    created = serializers.BooleanField()


class RunWorkflow(serializers.Serializer[Any]):
    """The workflow of a run."""

    id = serializers.CharField()
    name = serializers.CharField()
    slug = serializers.CharField()


class RunError(serializers.Serializer[Any]):
    """Why a run or a step failed."""

    code = serializers.CharField()
    message = serializers.CharField()
    step = serializers.CharField(required=False)


class RunSummary(serializers.Serializer[Any]):
    """A run without what went in and came out."""

    id = serializers.CharField()
    workflow = RunWorkflow()
    version = serializers.IntegerField()
    state = serializers.ChoiceField(STATES)
    trigger = serializers.ChoiceField(RUN_TRIGGERS)
    error = RunError(allow_null=True)
    priority = serializers.ChoiceField(PRIORITIES)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    cancel_requested = serializers.BooleanField()
    revision = serializers.IntegerField()
    livemode = serializers.BooleanField()


class RunAnswer(RunSummary):
    """A run."""

    trigger_data = serializers.DictField(help_text=_("What a webhook brought, or the slot of a schedule."))
    inputs = serializers.DictField()
    output = serializers.JSONField()


class OpenApproval(serializers.Serializer[Any]):
    """What a person is asked, and who may answer."""

    message = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())


class StepSummary(serializers.Serializer[Any]):
    """A step of a run without what went in and came out."""

    id = serializers.CharField()
    path = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    type = serializers.CharField()
    state = serializers.ChoiceField(STEP_STATES)
    attempt = serializers.IntegerField()
    error = RunError(allow_null=True)
    waiting_for = serializers.CharField(allow_null=True)
    approval = OpenApproval(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)


class StepAnswer(StepSummary):
    """A step of a run."""

    attempts = serializers.ListField(child=serializers.DictField())
    input = serializers.JSONField()
    output = serializers.JSONField()


class RunEvent(serializers.Serializer[Any]):
    """A change of a run or of one of its steps; `data` is its summary."""

    revision = serializers.IntegerField()
    type = serializers.ChoiceField(EVENT_TYPES)
    data = serializers.DictField()  # type: ignore[assignment] # the member is called so in the API


class RunEvents(serializers.Serializer[Any]):
    """What changed after a revision."""

    events = RunEvent(many=True)
    revision = serializers.IntegerField()
    finished = serializers.BooleanField()


class SecretAnswer(serializers.Serializer[Any]):
    """A secret's name."""

    id = serializers.CharField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


def listed(row: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """The shape of a list of these."""
    name = f"{row.__name__}List"
    members = {
        "data": row(many=True),
        "next_cursor": serializers.CharField(allow_null=True),
        "has_more": serializers.BooleanField(),
    }
    shape: type[serializers.Serializer[Any]] = type(name, (serializers.Serializer,), members)
    return shape()
