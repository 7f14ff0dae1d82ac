"""Where errors and traces are told, when the settings name somebody. Who is not named is not even imported."""

from importlib import import_module

from django.conf import settings

SENTRY = "apps.integrations.sentry.setup"
OPENTELEMETRY = "apps.integrations.opentelemetry.setup"


def start(*, light: bool = False) -> None:
    """For each process, as soon as its apps are ready. A `light` one serves neither requests nor tasks: no traces."""
    if settings.SENTRY_DSN:
        import_module(SENTRY).start(light=light)
    if settings.ENV.OTEL_EXPORTER_OTLP_ENDPOINT and not light:
        import_module(OPENTELEMETRY).start()
