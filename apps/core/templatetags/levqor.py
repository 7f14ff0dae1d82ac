"""What templates need to show values the way every page does: icons, states, times, durations, money, code."""

from datetime import datetime, timedelta
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_timedelta
from django import template
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy, to_locale
from django.utils.translation import gettext as _
from pygments import highlight as pygments_highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from apps.core import clock, entitlements
from apps.core.money import Money

register = template.Library()

NOTHING = "—"
DOTS = "…"
UNITS = (
    ("year", 31_536_000),
    ("month", 2_592_000),
    ("week", 604_800),
    ("day", 86_400),
    ("hour", 3_600),
    ("minute", 60),
)

# State of a run, step or anything that lives a while: (tone, label, icon). The tone is a CSS class.
STATES: dict[str, tuple[str, Any, str]] = {
    "queued": ("idle", gettext_lazy("Queued"), "clock"),
    "pending": ("idle", gettext_lazy("Not started"), "clock"),
    "running": ("go", gettext_lazy("Running"), "play"),
    "waiting": ("wait", gettext_lazy("Waiting"), "pause"),
    "succeeded": ("ok", gettext_lazy("Succeeded"), "check"),
    "failed": ("bad", gettext_lazy("Failed"), "exclamation"),
    "cancelled": ("idle", gettext_lazy("Cancelled"), "x"),
    "skipped": ("idle", gettext_lazy("Skipped"), "skip"),
    "active": ("ok", gettext_lazy("Active"), "check"),
    "inactive": ("idle", gettext_lazy("Inactive"), "minus"),
    "archived": ("idle", gettext_lazy("Archived"), "minus"),
    "expired": ("idle", gettext_lazy("Expired"), "clock"),
    "revoked": ("bad", gettext_lazy("Revoked"), "x"),
    "accepted": ("ok", gettext_lazy("Accepted"), "check"),
    "invited": ("wait", gettext_lazy("Invited"), "mail"),
    "sent": ("ok", gettext_lazy("Sent"), "check"),
    "verified": ("ok", gettext_lazy("Verified"), "check"),
    "unverified": ("wait", gettext_lazy("Not verified"), "exclamation"),
}
LIVE_STATES = frozenset({"running"})


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """An icon of `static/img/icons.svg`. Without `label` it is decoration that screen readers skip."""
    href = f"{static('img/icons.svg')}#{name}"
    classes = f"icon {css}".strip()
    if label:
        return format_html(
            '<svg class="{}" viewBox="0 0 24 24" role="img" aria-label="{}"><use href="{}"></use></svg>',
            classes,
            label,
            href,
        )
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" aria-hidden="true"><use href="{}"></use></svg>', classes, href
    )


@register.filter
def tone(state: object) -> str:
    """The CSS class of a state: ok, bad, wait, go or idle."""
    return STATES.get(str(state), ("idle", "", ""))[0]


@register.filter
def state_label(state: object) -> str:
    """A state in words; an unknown one is shown as it is, made readable."""
    known = STATES.get(str(state))
    return str(known[1]) if known else str(state).replace("_", " ").capitalize()


@register.filter
def state_icon(state: object) -> str:
    """The name of a state's icon."""
    return STATES.get(str(state), ("", "", "minus"))[2]


@register.simple_tag
def badge(state: object = "", label: str = "", tone: str = "", live: bool | None = None) -> SafeString:
    """A status as colour and word. `label` and `tone` override what the state says."""
    moving = str(state) in LIVE_STATES if live is None else live
    return format_html(
        '<span class="badge {}{}">{}</span>',
        tone or STATES.get(str(state), ("idle",))[0],
        " live" if moving else "",
        label or state_label(state),
    )


@register.simple_tag
def status_dot(state: object, number: int | str = "") -> SafeString:
    """The round mark of a step in a timeline; what has not started shows its number."""
    moving = " live" if str(state) in LIVE_STATES else ""
    inner = number if str(state) in {"pending", "queued"} and number != "" else icon(state_icon(state))
    return format_html('<span class="dot {}{}" aria-hidden="true">{}</span>', tone(state), moving, inner)


def _locale() -> Locale:
    """The reader's locale for Babel, English when Babel does not know it."""
    try:
        return Locale.parse(to_locale(get_language() or "en"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


@register.filter
def relative_time(at: datetime | None) -> str:
    """How long ago or ahead a moment is ("2 minutes ago"), cut to the unit as `static/js/time.js` does."""
    if at is None:
        return NOTHING
    seconds = (at - clock.now()).total_seconds()
    size = abs(seconds)
    if size < 10:
        return _("now")
    for unit, length in UNITS:
        if size >= length:
            whole = int(size // length)
            name = unit
            break
    else:
        whole, length, name = int(size), 1, "second"
    signed = timedelta(seconds=whole * length * (1 if seconds > 0 else -1))
    return format_timedelta(signed, granularity=name, threshold=1, add_direction=True, locale=_locale())  # type: ignore[arg-type] # one of Babel's units


@register.filter
def exact_time(at: datetime | None) -> str:
    """A moment with date, seconds and zone, in the active time zone."""
    if at is None:
        return NOTHING
    return format_datetime(timezone.localtime(at), "d MMM y, HH:mm:ss z", locale=_locale())


@register.simple_tag
def timestamp(at: datetime | None, elapsed: bool = False) -> SafeString | str:
    """A relative time with the exact one on hover; `elapsed=True` is a clock that runs since then."""
    if at is None:
        return NOTHING
    text = duration(clock.now() - at) if elapsed else relative_time(at)
    return format_html(
        '<time datetime="{}" title="{}" {}>{}</time>',
        at.isoformat(timespec="milliseconds"),
        exact_time(at),
        mark_safe("data-elapsed" if elapsed else "data-relative"),  # noqa: S308 - two fixed words
        text,
    )


@register.filter
def duration(value: float | timedelta | None) -> str:
    """Milliseconds (or a timedelta) with a unit: 42 ms, 1.4 s, 2 min 5 s, 3 h 20 min, 2 d 4 h."""
    if value is None or value == "":
        return NOTHING
    ms = value.total_seconds() * 1000 if isinstance(value, timedelta) else float(value)
    ms = max(ms, 0)
    if ms < 100:
        return _("%(count)s ms") % {"count": round(ms)}
    if ms < 59_950:
        return _("%(count)s s") % {"count": formats.number_format(ms / 1000, 1)}
    seconds = round(ms / 1000)
    if seconds < 3_600:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": seconds // 60, "seconds": seconds % 60}
    if seconds < 86_400:
        return _("%(hours)s h %(minutes)s min") % {"hours": seconds // 3_600, "minutes": seconds % 3_600 // 60}
    return _("%(days)s d %(hours)s h") % {"days": seconds // 86_400, "hours": seconds % 86_400 // 3_600}


@register.filter
def number(value: float | None, places: int | None = None) -> str:
    """A number with thousands separators."""
    return NOTHING if value is None else formats.number_format(value, places, force_grouping=True)


@register.filter
def percent(value: float | None, places: int = 1) -> str:
    """A share of 0…1 as per cent, with decimals where it has some: "100 %", "99.4 %". Only all of it is 100 %."""
    if value is None:
        return NOTHING
    share = round(value * 100, places)
    if value < 1 <= share / 100:
        share = 100 - 10**-places
    return _("%(share)s %%") % {"share": formats.number_format(share, 0 if share == int(share) else places)}


@register.filter
def money(value: Money | None) -> str:
    """An amount in the reader's way of writing."""
    return NOTHING if value is None else value.format(str(_locale()))


@register.filter
def short_id(public_id: object) -> str:
    """`run_01m7abcd…xyz9` for tables; the whole id belongs in a title or a copy button."""
    text = str(public_id)
    prefix, _sep, rest = text.partition("_")
    return f"{prefix}_{rest[:4]}{DOTS}{rest[-4:]}" if len(rest) > 12 else text


@register.simple_tag
def upgrade_url() -> str:
    """Where a larger plan can be had; empty where nothing is sold."""
    return entitlements.upgrade_url()


@register.filter
def initials(name: object) -> str:
    """Up to two letters for an avatar; an address counts by what stands before the @."""
    words = str(name).split("@", 1)[0].replace(".", " ").replace("_", " ").replace("-", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def highlight(source: str, language: str = "yaml") -> SafeString:
    """Source text (yaml, json, bash, python, …) as safe HTML spans for `<code class="code">`."""
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    return mark_safe(pygments_highlight(source, lexer, HtmlFormatter(nowrap=True)))  # noqa: S308 - the formatter escapes


@register.simple_tag(takes_context=True)
def nav_current(context: template.Context, url: str, exact: bool = False) -> SafeString | str:
    """`aria-current="page"` when the request is at `url` or, unless `exact`, below it."""
    request = context.get("request")
    path = request.path if request is not None else ""
    here = path == url or (not exact and url not in {"", "/"} and path.startswith(url.rstrip("/") + "/"))
    return mark_safe('aria-current="page"') if here else ""


@register.simple_tag(takes_context=True)
def sort_state(context: template.Context, key: str, parameter: str = "sort") -> dict[str, str]:
    """For a sortable header: `{now: "ascending"|"descending"|"", next: value for the query}`."""
    request = context.get("request")
    current = request.GET.get(parameter, "") if request is not None else ""
    if current == key:
        return {"now": "ascending", "next": f"-{key}"}
    if current == f"-{key}":
        return {"now": "descending", "next": key}
    return {"now": "", "next": key}
