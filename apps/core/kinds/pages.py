"""What apps add to the pages of customers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from apps.core.kinds.base import Contribution, Text


@dataclass(frozen=True)
class NavItem(Contribution):
    """A link in the application's side bar, shown to members that have `permission`.

    `icon` names a symbol of `static/img/icons.svg`; `badge(request)` may return a count to show beside the label.
    """

    name: str
    label: Text
    url_name: str
    group: Literal["build", "extend", "account"]
    order: int = 100
    permission: str = ""
    icon: str = ""
    badge: Callable[[Any], int | str | None] | None = None


@dataclass(frozen=True)
class SettingsPage(Contribution):
    """A tab of the settings area: of the person (`scope="user"`) or of the organization; there when `available()`."""

    name: str
    label: Text
    url_name: str
    scope: Literal["user", "organization"]
    order: int = 100
    permission: str = ""
    available: Callable[[], bool] | None = None


@dataclass(frozen=True)
class DashboardCard(Contribution):
    """A part of the overview page: `context(request)` feeds `template`; None leaves the card out."""

    name: str
    template: str
    context: Callable[[Any], dict[str, Any] | None]
    order: int = 100
    area: Literal["stats", "main", "side"] = "main"
    permission: str = ""
