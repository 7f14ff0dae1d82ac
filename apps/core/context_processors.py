"""What every template may ask for. Everything is computed on use, so that an error page costs nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from apps.core.brand import current_brand
from apps.core.context import current
from apps.core.kinds import NavItem, SettingsPage
from apps.core.registry import registry

GROUPS: dict[str, str | Promise] = {"build": _("Build"), "extend": _("Extend"), "account": _("Account")}
SCOPES: dict[str, str | Promise] = {"user": _("You"), "organization": _("Organization")}


@dataclass(frozen=True)
class Link:
    """A link of a navigation, ready to be shown."""

    label: str
    url: str
    current: bool
    icon: str = ""
    badge: str = ""


@dataclass(frozen=True)
class Group:
    """Links under one heading."""

    label: str
    items: list[Link]


def _may(request: HttpRequest) -> Callable[[str], bool]:
    """What the person may do here. `request.may` is set by the accounts middleware; without it, nothing special."""
    return getattr(request, "may", lambda code: False)


def _groups(
    request: HttpRequest, labels: dict[str, str | Promise], entries: list[tuple[str, NavItem | SettingsPage]]
) -> list[Group]:
    """Entries the person may see, under their headings; the one with the longest matching address is current."""
    may = _may(request)
    seen: list[tuple[str, NavItem | SettingsPage, str]] = []
    for group, entry in entries:
        if entry.permission and not may(entry.permission):
            continue
        try:
            seen.append((group, entry, reverse(entry.url_name)))
        except NoReverseMatch:
            continue
    here = max((url for _group, _entry, url in seen if _is_below(request.path, url)), key=len, default="")
    groups = []
    for name, label in labels.items():
        links = [
            Link(str(entry.label), url, url == here, getattr(entry, "icon", ""), _badge(request, entry))
            for group, entry, url in seen
            if group == name
        ]
        if links:
            groups.append(Group(str(label), links))
    return groups


def _is_below(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(url.rstrip("/") + "/"))


def _badge(request: HttpRequest, entry: NavItem | SettingsPage) -> str:
    """A count beside a link, when the entry brings a function for it."""
    count = getattr(entry, "badge", None)
    found = count(request) if count is not None else None
    return str(found) if found else ""


def nav_items(request: HttpRequest) -> list[Group]:
    """The side bar, from the `NavItem` contributions."""
    items = sorted(registry(NavItem).all(), key=lambda item: (item.order, item.name))
    return _groups(request, GROUPS, [(item.group, item) for item in items])


def settings_items(request: HttpRequest) -> list[Group]:
    """The tabs of the settings, from the `SettingsPage` contributions."""
    offered = [page for page in registry(SettingsPage).all() if page.available is None or page.available()]
    pages = sorted(offered, key=lambda page: (page.order, page.name))
    return _groups(request, SCOPES, [(page.scope, page) for page in pages])


def profile_url(request: HttpRequest) -> str:
    """The first settings page about the person themself, or nothing."""
    pages = sorted(registry(SettingsPage).all(), key=lambda page: (page.order, page.name))
    groups = _groups(request, {"user": ""}, [(page.scope, page) for page in pages])
    return groups[0].items[0].url if groups else ""


def platform(request: HttpRequest) -> dict[str, Any]:
    """Brand, navigation and the request's nonce (which also `{% htmx_script %}` uses)."""
    return {
        "brand": SimpleLazyObject(current_brand),
        "nav_items": SimpleLazyObject(lambda: nav_items(request)),
        "settings_items": SimpleLazyObject(lambda: settings_items(request)),
        "profile_url": SimpleLazyObject(lambda: profile_url(request)),
        "home_url": _home,
        "csp_nonce": getattr(request, "csp_nonce", None),
        "version": settings.VERSION,
        "request_id": current().request_id,
    }


def _home() -> str:
    """Where the brand in the application leads."""
    try:
        return reverse(settings.LOGIN_REDIRECT_URL)
    except NoReverseMatch:
        return "/"
