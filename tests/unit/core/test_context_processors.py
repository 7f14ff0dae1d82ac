"""Navigation: from contributions, by permission, with one current link."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path

from apps.core.context_processors import nav_items, platform, profile_url, settings_items
from apps.core.kinds import NavItem, SettingsPage
from apps.core.registry import Registry, registry

pytestmark = pytest.mark.urls(__name__)


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("runs", view, name="runs"),
    path("runs/archive", view, name="archive"),
    path("members", view, name="members"),
    path("profile", view, name="profile"),
]


@pytest.fixture(autouse=True)
def contributions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only these entries exist."""
    items: Registry[NavItem] = Registry(NavItem)
    items.add(NavItem("archive", "Archive", "archive", "build", order=2, icon="history"))
    items.add(NavItem("runs", "Runs", "runs", "build", order=1, badge=lambda request: 3))
    items.add(NavItem("members", "Members", "members", "account", permission="members.view", badge=lambda request: 0))
    items.add(NavItem("gone", "Gone", "no_such_page", "build"))
    pages: Registry[SettingsPage] = Registry(SettingsPage)
    pages.add(SettingsPage("profile", "Profile", "profile", "user"))
    for kind, replacement in ((NavItem, items), (SettingsPage, pages)):
        monkeypatch.setattr(registry(kind), "_items", replacement._items)


def get(address: str, *allowed: str) -> HttpRequest:
    request = RequestFactory().get(address)
    request.may = lambda code: code in allowed
    return request


def test_entries_are_ordered_grouped_and_counted() -> None:
    (build,) = nav_items(get("/"))
    assert build.label == "Build"
    assert [(link.label, link.badge, link.icon) for link in build.items] == [
        ("Runs", "3", ""),
        ("Archive", "", "history"),
    ]


def test_a_permission_hides_an_entry_from_those_without_it() -> None:
    assert [group.label for group in nav_items(get("/"))] == ["Build"]
    assert [group.label for group in nav_items(get("/", "members.view"))] == ["Build", "Account"]
    assert [group.label for group in nav_items(RequestFactory().get("/"))] == ["Build"]


@pytest.mark.parametrize(
    ("address", "current"), [("/runs", ["Runs"]), ("/runs/run_1", ["Runs"]), ("/runs/archive", ["Archive"]), ("/x", [])]
)
def test_the_closest_entry_is_current(address: str, current: list[str]) -> None:
    links = [link for group in nav_items(get(address)) for link in group.items]
    assert [link.label for link in links if link.current] == current


def test_settings_have_their_own_list() -> None:
    (group,) = settings_items(get("/profile"))
    assert (group.label, group.items[0].current) == ("You", True)
    assert profile_url(get("/")) == "/profile"


def test_templates_get_the_brand_and_a_way_home() -> None:
    context = platform(get("/"))
    assert str(context["brand"].name) == "Levqor"
    assert context["home_url"]() == "/"
