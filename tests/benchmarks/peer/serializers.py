"""Runs as the platform's API shows them."""

from typing import Any

import uuid_utils
from rest_framework import serializers
from typeid import TypeID

from tests.benchmarks.peer.models import Run, Workflow


class PublicId(serializers.Field):
    """A UUID with its prefix."""

    def __init__(self, prefix: str) -> None:
        super().__init__(read_only=True)
        self.prefix = prefix

    def to_representation(self, value: Any) -> str:
        return str(TypeID.from_uuid(uuid_utils.UUID(bytes=value.bytes), self.prefix))


class WorkflowSerializer(serializers.ModelSerializer):
    """The workflow of a run."""

    id = PublicId("wf")

    class Meta:
        model = Workflow
        fields = ("id", "name", "slug")


class RunSerializer(serializers.ModelSerializer):
    """A run."""

    id = PublicId("run")
    workflow = WorkflowSerializer()
    version = serializers.IntegerField(source="version.number")
    trigger = serializers.CharField(source="trigger_kind")
    priority = serializers.CharField(source="get_priority_display")
    duration_ms = serializers.SerializerMethodField()
    cancel_requested = serializers.SerializerMethodField()

    class Meta:
        model = Run
        fields = (
            "id",
            "workflow",
            "version",
            "state",
            "trigger",
            "priority",
            "created_at",
            "started_at",
            "finished_at",
            "duration_ms",
            "cancel_requested",
            "revision",
            "livemode",
            "trigger_data",
            "inputs",
            "output",
            "error",
        )

    def get_duration_ms(self, run: Run) -> int | None:
        if run.started_at is None or run.finished_at is None:
            return None
        return round((run.finished_at - run.started_at).total_seconds() * 1000)

    def get_cancel_requested(self, run: Run) -> bool:
        return run.cancel_requested_at is not None
