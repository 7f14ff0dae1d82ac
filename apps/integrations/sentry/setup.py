"""Starts telling errors: which, in which processes, and what of the library stays off."""

import logging
import random
from collections.abc import Mapping
from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.integrations.threading import ThreadingIntegration

from apps.integrations.sentry.events import before_breadcrumb, before_send
from apps.integrations.sentry.log_events import LogBreadcrumbs, LogEvents

TRACE = "HTTP_SENTRY_TRACE"
# An exporter that reaches nobody would tell of that with every batch; anybody can send requests that Django refuses.
SILENT_LOGGERS = ("opentelemetry.*", "django.security.*")


def share_of(context: Mapping[str, Any]) -> float:
    """How likely a trace is kept. Of one that a request brings the lot is drawn here: it may bring that, too, and
    strangers send such headers. Tasks bring none (`propagate_traces`).
    """
    share: float = settings.ENV.SENTRY_TRACES_SAMPLE_RATE
    if TRACE not in context.get("wsgi_environ", ()):
        return share
    return float(random.random() < share)  # noqa: S311 - no secret


def options() -> dict[str, Any]:
    """How the library works for us. What it would add by itself about requests, people, values and calls stays off."""
    return {
        "dsn": settings.SENTRY_DSN,
        "release": f"levqor@{settings.VERSION}",
        "environment": settings.LEVQOR_ENV,
        "traces_sampler": share_of if settings.ENV.SENTRY_TRACES_SAMPLE_RATE else None,
        "before_send": before_send,
        "before_send_transaction": before_send,
        "before_breadcrumb": before_breadcrumb,
        "max_request_body_size": "never",
        "include_local_variables": False,  # they hold what the names of no filter know
        "default_integrations": False,  # among them: command lines and calls with their addresses
        "auto_enabling_integrations": False,
        "auto_session_tracking": False,
        "enable_metrics": False,
        "trace_propagation_targets": [],  # customers' endpoints learn nothing of our traces
    }


def integrations(*, light: bool) -> list[Integration]:
    """Whose errors are told. Log entries come by handlers of ours (`log_events`)."""
    always: list[Integration] = [
        DedupeIntegration(),
        ExcepthookIntegration(),
        ThreadingIntegration(propagate_scope=False),
        AtexitIntegration(callback=lambda _pending, _timeout: None),  # says nothing in the terminal
    ]
    if light:
        return always
    # One ring stands for the work of many requests, so that no task belongs to one of them.
    return [DjangoIntegration(signals_spans=False), CeleryIntegration(propagate_traces=False), *always]


def start(*, light: bool = False) -> None:
    """Set the library up in this process, and have it hear what is logged. `light`: it serves neither requests nor
    tasks."""
    sentry_sdk.init(integrations=integrations(light=light), **options())
    for name in SILENT_LOGGERS:
        ignore_logger(name)
    root = logging.getLogger()
    root.addHandler(LogEvents(level=logging.ERROR))
    root.addHandler(LogBreadcrumbs(level=logging.INFO))
