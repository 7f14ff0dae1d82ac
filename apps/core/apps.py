"""Start-up: contributions are discovered, then the registries freeze."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from apps.core.registry import freeze


class CoreConfig(AppConfig):
    """Floor 0. Listed last among our apps, so that every other app is ready before contributions are read."""

    name = "apps.core"
    verbose_name = "Core"

    def ready(self) -> None:
        autodiscover_modules("contributions")
        freeze()
