"""Starts tracing: requests and tasks, a share of them, over OTLP by HTTP."""

from django.conf import settings
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from apps.integrations.opentelemetry.chosen import ChosenSpans
from apps.integrations.opentelemetry.middleware import after_response
from apps.integrations.opentelemetry.sampling import sampler

TRACES = "/v1/traces"
SECONDS = 5  # for one batch: a process that ends must not wait long for a collector that is away
HOSTS = "apps.core.middleware.HostMiddleware"


class Instrumentor(DjangoInstrumentor):
    """Puts our own middleware in, not the library's."""

    _opentelemetry_middleware = "apps.integrations.opentelemetry.middleware.TracingMiddleware"


def provider(exporter: SpanExporter, share: float) -> TracerProvider:
    """Who makes spans, of a share of the traces. What a request says of its own is no reason to keep or drop it."""
    made = TracerProvider(
        sampler=sampler(share),
        resource=Resource.create(
            {
                "service.name": "levqor",
                "service.version": settings.VERSION,
                "deployment.environment.name": settings.LEVQOR_ENV,
            }
        ),
    )
    made.add_span_processor(BatchSpanProcessor(ChosenSpans(exporter)))
    return made


def start() -> None:
    """Set the library up in this process. Where the collector asks for a key, OTEL_EXPORTER_OTLP_HEADERS holds it."""
    environment = settings.ENV
    address = environment.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip("/")
    exporter = OTLPSpanExporter(endpoint=f"{address}{TRACES}", timeout=SECONDS)
    trace.set_tracer_provider(provider(exporter, environment.OTEL_TRACES_SAMPLE_RATE))
    Instrumentor().instrument(
        # Behind the look at the host: the library asks for it, and ours answers strangers.
        middleware_position=settings.MIDDLEWARE.index(HOSTS) + 1,
        response_hook=after_response,
    )
    CeleryInstrumentor().instrument(use_span_links=True)  # one ring stands for the work of many requests
