"""Which traces are kept: a share of them, whatever a request says of itself."""

import random
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, get_current_span
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes


class Drawn(Sampler):
    """A share, by lot. The library's goes by the trace's id, which whoever sends one chooses."""

    def __init__(self, share: float) -> None:
        self._share = share

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """The library's hook."""
        if random.random() >= self._share:  # noqa: S311 - no secret
            return SamplingResult(Decision.DROP)
        state = get_current_span(parent_context).get_span_context().trace_state
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, state)

    def get_description(self) -> str:
        """The library's hook."""
        return f"Drawn{{{self._share}}}"


def sampler(share: float) -> Sampler:
    """A trace that comes with a request goes on under its id, and is drawn as any other: strangers send headers too.
    Within a process spans follow their parent."""
    drawn = Drawn(share)
    return ParentBased(TraceIdRatioBased(share), remote_parent_sampled=drawn, remote_parent_not_sampled=drawn)
