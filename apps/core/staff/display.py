"""How values look in the administration."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from apps.core.ids import to_public
from apps.core.templatetags.levqor import highlight, short_id, timestamp

NOTHING = "—"
MOST_SHOWN = 40_000  # characters of a JSON value or text; more is told, not shown


def when(moment: datetime | None) -> SafeString | str:
    """A relative time, the exact one on hover."""
    return timestamp(moment)


def at(moment: datetime | None) -> SafeString | str:
    """Date and hour in UTC, and how far away that is: for what one has to be in time for."""
    if moment is None:
        return NOTHING
    shown = format_html('<span class="staff-nowrap">{} UTC</span>', date_format(moment.astimezone(UTC), "j M Y, H:i"))
    return format_html('{} <span class="staff-quiet">({})</span>', shown, when(moment))


def tag(text: object, tone: str = "") -> SafeString:
    """A word with a meaning: tone is ok, bad, wait, go or nothing."""
    return format_html('<span class="staff-tag {}">{}</span>', tone, text)


def state_tag(row: Any, tones: Mapping[str, str], field: str = "state") -> SafeString:
    """The state of a row in its own words."""
    return tag(getattr(row, f"get_{field}_display")(), tones.get(getattr(row, field), ""))


def link(url: str, text: object) -> SafeString:
    """A link inside the administration."""
    return format_html('<a class="staff-link" href="{}">{}</a>', url, text)


def row_link(row: Any, text: object = "") -> SafeString | str:
    """A link to the page of a row, or nothing for no row."""
    if row is None:
        return NOTHING
    return link(row_url(row), text or str(row))


def row_url(row: Any) -> str:
    """The page of a row."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def list_url(model: Any, **query: object) -> str:
    """The list of a model, narrowed by filters."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist", query=query or None)


def id_text(public_id: str) -> SafeString:
    """A public id for a table: short, whole on hover."""
    return format_html('<span class="staff-id" title="{}">{}</span>', public_id, short_id(public_id))


def whole_id(prefix: str, key: uuid.UUID | None) -> SafeString | str:
    """A public id in full."""
    return format_html('<code class="staff-id">{}</code>', to_public(prefix, key)) if key else NOTHING


def json_block(value: Any) -> SafeString | str:
    """JSON, indented and coloured; a very long value is cut, and says so."""
    if value in (None, "", {}, []):
        return NOTHING
    text = json.dumps(value, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)
    return _block(highlight(text[:MOST_SHOWN], "json") if len(text) <= MOST_SHOWN else text[:MOST_SHOWN], len(text))


def text_block(text: str) -> SafeString | str:
    """Plain text as it is, such as an error; a very long one is cut, and says so."""
    return _block(text[:MOST_SHOWN], len(text)) if text else NOTHING


def _block(shown: str, length: int) -> SafeString:
    left = length - MOST_SHOWN
    note = format_html("<p>{}</p>", _("%(count)s more characters.") % {"count": left}) if left > 0 else ""
    return format_html('<pre class="staff-code"><code class="code">{}</code></pre>{}', shown, note)


def numbered(source: str, language: str = "yaml") -> SafeString:
    """Source text with line numbers, which a selection leaves out."""
    lines = highlight(source, language).split("\n")
    if lines and not lines[-1]:
        lines.pop()
    # The highlighter closes its spans at each line's end and escapes the text.
    rows = format_html_join("", "<li><code>{}</code></li>", ((mark_safe(line or " "),) for line in lines))  # noqa: S308
    return format_html('<ol class="staff-code staff-source code">{}</ol>', rows)
