"""What the project itself does at start-up."""

import gc
from importlib import import_module

from django.apps import AppConfig
from django.apps import apps as django_apps
from django.contrib.admin.apps import SimpleAdminConfig
from django.utils.module_loading import module_has_submodule

from levqor import telemetry
from levqor.celery import app as celery_app


class LevqorAdminConfig(SimpleAdminConfig):
    """Django's admin with one site: ours. Apps register with `django.contrib.admin` as usual."""

    default_site = "levqor.admin.LevqorAdminSite"

    def ready(self) -> None:
        """Make our Celery application the one that every process rings through, and find our own pages.

        Those that packages bring would stay out of the site anyway: they are not even loaded.
        """
        celery_app.set_default()
        super().ready()
        for config in django_apps.get_app_configs():
            if config.name.startswith("apps.") and module_has_submodule(config.module, "admin"):
                import_module(f"{config.name}.admin")


class ProjectConfig(AppConfig):
    """Makes the project's own commands known, those that handle processes, and has errors and traces told: no app
    knows of either."""

    name = "levqor"

    def ready(self) -> None:
        """Our apps are ready before: their errors from here on are told.

        All that is loaded stays. To look through it for garbage held everybody up for a sixth of a second, and gave
        each child of a worker a copy of its own.
        """
        telemetry.start()
        gc.freeze()
