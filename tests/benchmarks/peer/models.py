"""Keys and usage of its own, and the platform's runs as they are stored."""

from django.db import models
from rest_framework_api_key.models import AbstractAPIKey


class Key(AbstractAPIKey):
    """A key of an organization."""

    organization_id = models.UUIDField()

    class Meta(AbstractAPIKey.Meta):
        pass


class UsageRecord(models.Model):
    """One call."""

    key = models.ForeignKey(Key, on_delete=models.CASCADE)
    scope = models.CharField(max_length=40)
    path = models.CharField(max_length=200)
    status = models.PositiveSmallIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.path


class Workflow(models.Model):
    """The platform's."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80)

    class Meta:
        managed = False
        db_table = "workflows_workflow"

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """The platform's."""

    id = models.UUIDField(primary_key=True)
    number = models.PositiveIntegerField()

    class Meta:
        managed = False
        db_table = "workflows_workflowversion"

    def __str__(self) -> str:
        return f"v{self.number}"


class Run(models.Model):
    """The platform's."""

    id = models.UUIDField(primary_key=True)
    organization_id = models.UUIDField()
    workflow = models.ForeignKey(Workflow, on_delete=models.DO_NOTHING)
    version = models.ForeignKey(Version, on_delete=models.DO_NOTHING)
    state = models.CharField(max_length=10)
    trigger_kind = models.CharField(max_length=10)
    trigger_data = models.JSONField()
    inputs = models.JSONField()
    output = models.JSONField()
    error = models.JSONField()
    priority = models.PositiveSmallIntegerField(choices=[(0, "high"), (5, "normal"), (9, "low")])
    cancel_requested_at = models.DateTimeField()
    revision = models.PositiveIntegerField()
    livemode = models.BooleanField()
    created_at = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "workflows_run"

    def __str__(self) -> str:
        return str(self.id)
