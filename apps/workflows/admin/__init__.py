"""Staff pages of workflows: definitions and what starts them, runs and their steps, names of secrets."""

from apps.workflows.admin import definitions, runs

__all__ = ["definitions", "runs"]
