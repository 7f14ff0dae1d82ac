"""What the project itself does at start-up."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from levqor.celery import app as celery_app


class LevqorAdminConfig(AdminConfig):
    """Django's admin with one site: ours. Apps register with `django.contrib.admin` as usual."""

    default_site = "levqor.admin.LevqorAdminSite"

    def ready(self) -> None:
        """Make our Celery application the one that every process rings through."""
        celery_app.set_default()
        super().ready()


class ProjectConfig(AppConfig):
    """Makes the project's own commands known: those that handle processes, of which no app knows."""

    name = "levqor"
