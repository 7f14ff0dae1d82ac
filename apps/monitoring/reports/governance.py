"""The governance report: what the audit log says of a week, by what it is about. No person is named in it."""

import re
from collections import Counter

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.audit.models import AuditEntry
from apps.core.kinds import AuditAction, Text
from apps.core.models import JobRun
from apps.core.registry import registry
from apps.core.templatetags.levqor import number
from apps.monitoring.intervals import Span
from apps.monitoring.reports import parts
from apps.monitoring.reports.document import Block, Document, Figures, Number, Section, Table, Words, row

VERIFIED_BY = "verify_audit"  # the nightly job that recomputes every chain

# What an action is about, by its code; the first that fits. What fits none is told too.
GROUPS: tuple[tuple[Text, re.Pattern[str]], ...] = (
    (gettext_lazy("Keys and secrets"), re.compile(r"api_key|token|secret|credential|scim|webhook_secret")),
    (
        gettext_lazy("Permissions"),
        re.compile(r"member_|invitation|role|staff_access|user_(de|re)activated|organization_created|permission"),
    ),
    (
        gettext_lazy("Access"),
        re.compile(r"log(ged|in)_|session|password|mfa_|passkey|social_|device_|impersonation|signed_up|sso|saml"),
    ),
    (gettext_lazy("Compliance"), re.compile(r"^compliance\.|erased|export|consent|email_|profile|verification")),
    (gettext_lazy("Audit and staff"), re.compile(r"^(audit|staff|jobs|events|external_event|stripe_object|mail)\.")),
    (gettext_lazy("Money"), re.compile(r"^(billing|ledger|payouts)\.")),
)
OTHER = gettext_lazy("Other")


def build(span: Span, before: Span) -> Document:
    """Of a week, beside the one before it."""
    found, then = _counted(span), _counted(before)
    total = sum(found.values())
    held, words = _verified(span)
    staff = AuditEntry.objects.unscoped().filter(created_at__gte=span.start, created_at__lt=span.end).order_by()
    acts = staff.aggregate(
        staff=Count("pk", filter=Q(actor_kind="staff")),
        people=Count("actor_id", filter=Q(actor_kind="staff"), distinct=True),
        acted=Count("pk", filter=~Q(impersonator_id="")),
    )
    people = ngettext("%(people)d person", "%(people)d people", acts["people"]) % {"people": acts["people"]}
    figures = Figures(
        [
            Number(_("Entries"), number(total), _("%(count)s the week before") % {"count": number(sum(then.values()))}),
            Number(_("By staff"), number(acts["staff"]), people),
            Number(_("While staff acted as a customer"), number(acts["acted"])),
            Number(_("Audit log, chains of hashes"), words, tone="ok" if held else "bad" if held is False else "wait"),
        ]
    )
    summary = _("%(entries)s entries in the audit log; its chains of hashes: %(chains)s.") % {
        "entries": number(total),
        "chains": words,
    }
    sections = [Section(_("Overview"), [figures])]
    sections += [Section(title, [table]) for title, table in _tables(found, then)]
    if not total:
        sections.append(Section(_("Changes"), [Words(_("Nothing was recorded."))]))
    title = _("Governance report %(day)s") % {"day": parts.day_words(span.end.date())}
    return Document(title, parts.words_of(span), summary, sections)


def _counted(span: Span) -> Counter[str]:
    """How often each action was done: one query, by the index on time."""
    rows = AuditEntry.objects.unscoped().filter(created_at__gte=span.start, created_at__lt=span.end).order_by()
    return Counter(dict(rows.values_list("code").annotate(count=Count("pk"))))


def _verified(span: Span) -> tuple[bool | None, str]:
    """What the newest verification of the week said. None where there was none."""
    runs = JobRun.objects.filter(
        job=VERIFIED_BY,
        slot__gte=span.start,
        slot__lt=span.end,
        state__in=(JobRun.State.SUCCEEDED, JobRun.State.FAILED),
    )
    latest = runs.order_by("-slot").first()
    if latest is None:
        return None, _("not checked this week")
    return latest.state == JobRun.State.SUCCEEDED, (
        _("unbroken") if latest.state == JobRun.State.SUCCEEDED else _("broken, or not checked to the end")
    )


def group_of(code: str) -> str:
    """What an action is about."""
    return str(next((title for title, pattern in GROUPS if pattern.search(code)), OTHER))


def _tables(found: Counter[str], then: Counter[str]) -> list[tuple[str, Block]]:
    groups: dict[str, list[str]] = {str(title): [] for title in (*(title for title, _pattern in GROUPS), OTHER)}
    for code in sorted(found.keys() | then.keys()):
        groups[group_of(code)].append(code)
    columns = [_("Action"), _("This week"), _("Week before")]
    return [
        (title, Table(columns, [row(_label(code), number(found[code]), number(then[code])) for code in codes]))
        for title, codes in groups.items()
        if codes
    ]


def _label(code: str) -> str:
    action = registry(AuditAction).find(code)
    return str(action.label) if action else code
