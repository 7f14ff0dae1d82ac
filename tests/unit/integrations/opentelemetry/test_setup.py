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


def came(trace_id: int, flags: int) -> Any:
    """The context of a request that brought a `traceparent`."""
    told = SpanContext(trace_id=trace_id, span_id=2, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(told))


@pytest.mark.parametrize(("rate", "expected"), [(0.0, 0), (1.0, 2)])
def test_whoever_sends_a_trace_does_not_decide_whether_it_is_kept(rate: float, expected: int) -> None:
    made, told = traced(rate)
    for flags in (TraceFlags.SAMPLED, TraceFlags.DEFAULT):
        made.get_tracer("t").start_span("x", context=came(0xABC, flags)).end()
    made.shutdown()
    found = told.get_finished_spans()
    assert len(found) == expected
    assert {span.context.trace_id for span in found} <= {0xABC}, "it goes on under its id"


def test_nor_does_the_id_that_they_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    made, told = traced(0.1)
    lots = iter([0.2, 0.05] * 2)
    monkeypatch.setattr("random.random", lambda: next(lots))
    for trace_id in (1, 1, 2**64 - 1, 2**64 - 1):  # the library keeps the lowest ids
        made.get_tracer("t").start_span("x", context=came(trace_id, TraceFlags.SAMPLED)).end()
    made.shutdown()
    assert [span.context.trace_id for span in told.get_finished_spans()] == [1, 2**64 - 1]


def test_spans_of_one_process_follow_their_parent() -> None:
    made, told = traced(0.5)
    for _number in range(20):
        with made.get_tracer("t").start_as_current_span("outer"):
            made.get_tracer("t").start_span("inner").end()
    made.shutdown()
    names = [span.name for span in told.get_finished_spans()]
    assert names.count("outer") == names.count("inner")
