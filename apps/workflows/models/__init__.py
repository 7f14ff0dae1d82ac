"""Rows of the workflows app."""

from apps.workflows.models.definitions import Trigger, Workflow, WorkflowVersion
from apps.workflows.models.runs import ConcurrencySlot, Run, StepRun
from apps.workflows.models.secrets import Secret

__all__ = ["ConcurrencySlot", "Run", "Secret", "StepRun", "Trigger", "Workflow", "WorkflowVersion"]
