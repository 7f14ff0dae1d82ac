"""What `manage.py doctor` says about watching."""

import time

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.kinds import Checked
from apps.monitoring.intervals import MINUTE
from apps.monitoring.metrics import folder
from apps.monitoring.metrics.reading import LAST_READ, READ_EVERY_SECONDS
from apps.monitoring.models import Probe
from apps.monitoring.services.probing import BEGINS_AFTER

MANY_FILES = 400


def probes() -> Checked:
    """Whether somebody looks every minute, and what was seen last."""
    latest = Probe.objects.order_by("-minute").first()
    if latest is None:
        return "warning", _(
            "No component was ever looked at. A new installation begins after %(minutes)d minutes; if it is older, is "
            "a worker running?"
        ) % {"minutes": BEGINS_AFTER // MINUTE}
    late = now() - latest.minute
    if late > 3 * MINUTE:
        return "failed", _("Nobody has looked for %(minutes)d minutes: they count as down.") % {
            "minutes": late // MINUTE
        }
    down = Probe.objects.filter(minute=latest.minute, up=False).values_list("component", flat=True)
    if down:
        return "failed", _("Down: %(components)s") % {"components": ", ".join(sorted(down))}
    return "ok", _("All components were up a moment ago.")


def metrics() -> Checked:
    """Whether Prometheus finds fresh figures, and whether it may read them."""
    copy, files = LAST_READ.get(), len(list(folder.folder().glob("*.db")))
    if files > MANY_FILES:
        return "warning", _("%(files)d files in %(folder)s: nobody tidies them up.") % {
            "files": files,
            "folder": folder.folder(),
        }
    if copy is None or time.time() - copy.at > 8 * READ_EVERY_SECONDS:
        return "warning", _("No worker has read the gauges lately.")
    if not settings.METRICS_TOKEN and settings.LEVQOR_ENV == "production":
        return "warning", _("Nobody can read /metrics: METRICS_TOKEN is not set.")
    return "ok", _("Read a moment ago; files of processes: %(files)d.") % {"files": files}


def tracking() -> Checked:
    """Where errors and traces are told. `sentry_test` tries whether errors arrive."""
    errors, traces = bool(settings.SENTRY_DSN), bool(settings.ENV.OTEL_EXPORTER_OTLP_ENDPOINT)
    if not errors and settings.LEVQOR_ENV == "production":
        return "warning", _("Errors are only in the log: SENTRY_DSN is not set.")
    told = [name for name, there in (("Sentry", errors), ("OpenTelemetry", traces)) if there]
    if not told:
        return "off", _("Not set up (SENTRY_DSN): errors are in the log.")
    return "ok", _("Told to %(where)s.") % {"where": ", ".join(told)}
