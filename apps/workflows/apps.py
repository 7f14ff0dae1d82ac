"""The workflows app."""

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    """Definitions, runs, triggers, secrets."""

    name = "apps.workflows"
    verbose_name = "Workflows"
