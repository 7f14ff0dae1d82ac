"""Writing reports: built, kept with their files, and mailed once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.monitoring.intervals import Span
from apps.monitoring.models import Report
from apps.monitoring.reports import daily, governance, roi, weekly
from apps.monitoring.reports.document import Document
from apps.monitoring.reports.forms import to_markdown, to_pdf
from apps.monitoring.services import pulse
from apps.monitoring.services.mailing import mail_report
from apps.monitoring.spans import GOVERNANCE_WEEK, PULSE_WEEK, QUARTER, SUMMARY_DAY, before, ended

Kind = Report.Kind
WRITERS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "md": lambda document: to_markdown(document).encode(),
    "pdf": to_pdf,
}


def storage() -> Storage:
    """Where files of reports are: the folder `reports` in LEVQOR_VAR, unless settings say otherwise."""
    return storages["reports"]


def publish(kind: str, span: Span, document: Document) -> Report:
    """Keep a report and its files, in place of what was there of the same time, and order its mail.

    Files are written before the row names them: their names say what they are of, so that a repeat overwrites them.
    """
    stored = document.stored()
    files = {form: _write(kind, span, form, write(stored)) for form, write in WRITERS.items()}
    values = {
        "start": span.start,
        "title": stored["title"][:200],
        "summary": stored["summary"][:300],
        "document": stored,
        "files": files,
        "made_at": now(),
    }
    with transaction.atomic():
        report, _created = Report.objects.update_or_create(kind=kind, end=span.end, defaults=values)
        mail_report(
            f"report:{kind}:{span.end:%Y-%m-%dT%H:%M}",
            title=stored["title"],
            summary=stored["summary"],
            figures=list(_figures(stored)),
            url=reverse("admin:monitoring_report_change", args=[report.pk]),
        )
    return report


def _write(kind: str, span: Span, form: str, content: bytes) -> str:
    name = f"{kind}/{span.last_day:%Y-%m-%d}.{form}"
    storage().delete(name)
    return storage().save(name, ContentFile(content))


def _figures(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (item["label"], item["value"], item["note"])
        for section in document["sections"]
        for block in section["blocks"]
        if block["kind"] == "figures"
        for item in block["items"]
    ]


def file_of(report: Report, form: str) -> bytes:
    """A report's file; written anew from what is kept where the file is gone. Raises `KeyError` for another form."""
    write, name = WRITERS[form], report.files.get(form, "")
    if name and storage().exists(name):
        with storage().open(name) as file:
            content: bytes = file.read()
            return content
    return write(report.document)


# Jobs ---------------------------------------------------------------------------------------------------------------
def expansion_monitor(slot: datetime) -> str:
    """The weekly report, of the week that ended half an hour before."""
    span = ended(PULSE_WEEK, slot)
    seen, failed = pulse.collect(span)
    return _told(publish(Kind.WEEKLY, span, weekly.build(span, seen, failed)))


def roi_review(slot: datetime) -> str:
    """The quarterly review, of the quarter that ended."""
    span = ended(QUARTER, slot)
    return _told(publish(Kind.ROI, span, roi.build(span, before(QUARTER, span))))


def daily_ops_summary(slot: datetime) -> str:
    """The daily summary, of the day that ended at nine."""
    span = ended(SUMMARY_DAY, slot)
    return _told(publish(Kind.DAILY, span, daily.build(span)))


def governance_report(slot: datetime) -> str:
    """The governance report, of the week that ended on Sunday at nine."""
    span = ended(GOVERNANCE_WEEK, slot)
    return _told(publish(Kind.GOVERNANCE, span, governance.build(span, before(GOVERNANCE_WEEK, span))))


def _told(report: Report) -> str:
    return _("%(title)s: %(summary)s Files: %(files)s") % {
        "title": report.title,
        "summary": report.summary,
        "files": ", ".join(_whole_path(name) for name in report.files.values()),
    }


def _whole_path(name: str) -> str:
    """Where a file lies on this machine; only its name where the storage is elsewhere."""
    try:
        return str(storage().path(name))
    except NotImplementedError:
        return name
