"""Which share of the requests is traced, and what of a span is told."""

from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from apps.core.scrubbing import REMOVED
from apps.integrations.opentelemetry.setup import provider


def traced(share: float) -> tuple[Any, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    return provider(exporter, share), exporter


def broken(tracer: Any) -> None:
    with tracer.start_as_current_span("GET reset/<token>/") as span:
        span.set_attribute("http.route", "reset/<token>/")
        span.set_attribute("http.target", "/reset/t0ken/")
        span.set_attribute("celery.task_name", "Bearer abcdefghijklmnop")
        raise ValueError("password=hunter22")


def test_only_harmless_members_are_told_and_texts_are_scrubbed() -> None:
    made, told = traced(1.0)
    with pytest.raises(ValueError, match="password"):
        broken(made.get_tracer("t"))
    made.shutdown()
    (span,) = told.get_finished_spans()
    assert dict(span.attributes) == {"http.route": "reset/<token>/", "celery.task_name": REMOVED}
    (event,) = span.events
    assert event.attributes["exception.type"] == "ValueError"
    assert "hunter22" not in span.to_json()
    assert span.resource.attributes["service.name"] == "levqor"


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 0), (1.0, 20)])
def test_a_share_of_them(rate: float, expected: int) -> None:
    made, told = traced(rate)
    for _number in range(20):
        made.get_tracer("t").start_span("x").end()
    made.shutdown()
    assert len(told.get_finished_spans()) == expected


def test_a_trace_that_came_is_followed_as_its_maker_decided() -> None:
    made, told = traced(0.0)
    came = SpanContext(trace_id=1, span_id=2, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    made.get_tracer("t").start_span("x", context=set_span_in_context(NonRecordingSpan(came))).end()
    made.shutdown()
    assert len(told.get_finished_spans()) == 1
