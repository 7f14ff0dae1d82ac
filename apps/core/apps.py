"""Start-up: contributions are discovered, then the registries freeze."""

from django.apps import AppConfig
from django.conf import settings
from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.db import reset_queries
from django.utils.module_loading import autodiscover_modules

from apps.core.registry import freeze


class CoreConfig(AppConfig):
    """Floor 0. Listed last among our apps, so that every other app is ready before contributions are read."""

    name = "apps.core"
    verbose_name = "Core"

    def ready(self) -> None:
        spare_each_request()
        autodiscover_modules("contributions")
        freeze()


def spare_each_request() -> None:
    """Leave out what Django does around every request for what is not so here: no cache of ours is closed, and queries
    are kept in memory only while debugging."""
    request_finished.disconnect(close_caches)
    if not settings.DEBUG:
        request_started.disconnect(reset_queries)
