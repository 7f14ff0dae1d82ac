"""What leaves the house of a span: names that we know to be harmless, and no secret in what is left."""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from apps.core.scrubbing import scrub

# Addresses with their tokens, people's addresses and programs, and arguments of tasks are not among them.
ATTRIBUTES = frozenset(
    {
        "http.method",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "http.scheme",
        "http.status_code",
        "url.scheme",
        "celery.action",
        "celery.state",
        "celery.task_name",
        "celery.retries",
        "messaging.destination",
        "messaging.message.id",
        "exception.type",
        "exception.message",
        "exception.stacktrace",
        "exception.escaped",
        "levqor.request_id",
        "levqor.organization",
    }
)


def chosen(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Those of the list, their texts scrubbed."""
    return {
        name: scrub(value) if isinstance(value, str) else value
        for name, value in (attributes or {}).items()
        if name in ATTRIBUTES
    }


def without_secrets(span: ReadableSpan) -> ReadableSpan:
    """The span as it may be told."""
    description = span.status.description
    return ReadableSpan(
        name=scrub(span.name),
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=chosen(span.attributes),
        events=[Event(event.name, chosen(event.attributes), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, scrub(description) if description else None),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class ChosenSpans(SpanExporter):
    """Hands spans on as they may be told."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """The library's hook, in a thread of its own."""
        return self._exporter.export([without_secrets(span) for span in spans])

    def shutdown(self) -> None:
        """The library's hook."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """The library's hook."""
        return self._exporter.force_flush(timeout_millis)
