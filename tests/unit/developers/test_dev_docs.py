"""Guides that people write at Notion: what is shown of them, what keeps its last good version, who has them fetched."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from standardwebhooks import Webhook

from apps.core.clock import now
from apps.developers.docs import from_notion, guides
from apps.developers.models import NotionGuide
from apps.integrations.inbox.services import handle_due
from apps.integrations.models import ExternalEvent, NotionTable
from apps.integrations.notion import syncing
from apps.integrations.notion.fake import FakeNotion
from apps.integrations.notion.objects import WrittenPage
from apps.integrations.notion.properties import text

pytestmark = pytest.mark.django_db
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    cache.delete(guides.KEPT_GUIDES)
    yield
    cache.delete(guides.KEPT_GUIDES)


def page(key: str = "p1", markdown: str = "Text.\n", **values: Any) -> WrittenPage:
    """A page as it is received."""
    told = {"Title": "Recipes", "Slug": "recipes", "Order": None, "Published": True, **values}
    return WrittenPage(key, f"https://www.notion.so/{key}", datetime(2026, 3, 1, tzinfo=UTC), told, markdown)


def receive(*pages: WrittenPage, capture: Any) -> None:
    """As the sync does it: in a transaction that ends."""
    with capture(execute=True):
        for one in pages:
            from_notion.receive(one)


def test_a_page_is_a_guide(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    receive(page(markdown="## Bread\n\nTake `flour`.\n"), capture=django_capture_on_commit_callbacks)
    body = client.get("/dev/recipes").content.decode()
    assert '<h2 id="bread">Bread</h2>' in body
    assert "<code>flour</code>" in body
    assert list(guides.guides())[-1] == "recipes"
    assert 'href="/dev/recipes"' in client.get("/dev/overview").content.decode()


def test_what_it_says_is_text(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    evil = "<script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1))\n"
    receive(page(markdown=evil, Title="<b>Evil</b>"), capture=django_capture_on_commit_callbacks)
    body = client.get("/dev/recipes").content.decode()
    assert "<script>alert" not in body
    assert "<img src=x" not in body
    assert 'href="javascript' not in body
    assert "<b>Evil" not in body


def test_it_may_take_the_place_of_one_of_ours_and_give_it_back(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    order = list(guides.our_guides())
    receive(page(Slug="errors", Title="When it fails"), capture=django_capture_on_commit_callbacks)
    assert list(guides.guides()) == order
    assert "When it fails" in client.get("/dev/errors").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        from_notion.forget("p1")
    assert guides.guides() == guides.our_guides()
    assert not NotionGuide.objects.exists()


def test_its_order_is_among_the_numbers_of_ours(django_capture_on_commit_callbacks: Any) -> None:
    receive(
        page(Order=15), page("p2", Slug="first", Title="First", Order=1), capture=django_capture_on_commit_callbacks
    )
    assert list(guides.guides())[:4] == ["first", "overview", "recipes", "authentication"]


def test_drafts_are_not_shown_and_what_is_no_longer_published_goes(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    receive(page(Published=False), capture=django_capture_on_commit_callbacks)
    assert client.get("/dev/recipes").status_code == 404
    receive(page(), capture=django_capture_on_commit_callbacks)
    assert client.get("/dev/recipes").status_code == 200
    receive(page(Published=False), capture=django_capture_on_commit_callbacks)
    assert client.get("/dev/recipes").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [{"Title": ""}, {"Title": "x" * 121}, {"Slug": "x" * 61}, {"Slug": "!!", "Title": "!!"}, {"markdown": " \n"},
     {"Slug": "taken"}],
)  # fmt: skip
def test_what_breaks_keeps_its_last_good_version(
    client: Client, django_capture_on_commit_callbacks: Any, wrong: dict[str, Any]
) -> None:
    receive(page("other", Slug="taken"), page(), capture=django_capture_on_commit_callbacks)
    receive(page(**{"markdown": "Changed.\n", **wrong}), capture=django_capture_on_commit_callbacks)
    assert "Text." in client.get("/dev/recipes").content.decode()
    row = NotionGuide.objects.get(page_id="p1")
    assert row.problem
    receive(page(markdown="Mended.\n"), capture=django_capture_on_commit_callbacks)
    assert "Mended." in client.get("/dev/recipes").content.decode()
    row.refresh_from_db()
    assert row.problem == ""


def test_guides_are_read_once_a_minute(settings: Any, django_assert_num_queries: Any) -> None:
    guides.guides()
    with django_assert_num_queries(0 if settings.ENV.REDIS_URL else 1):  # the cache may be a table
        guides.guides()


def test_from_notion_to_the_page(
    client: Client, fake_notion: FakeNotion, django_capture_on_commit_callbacks: Any
) -> None:
    syncing.sync_named(from_notion.DEV_DOCS)
    fake_notion.write(
        fake_notion.source_id("Dev Docs"),
        {"Title": {"title": text("From far")}, "Slug": {"rich_text": text("far")}, "Published": {"checkbox": True}},
        [{"heading_2": {"rich_text": text("Deep")}}, {"code": {"rich_text": text("ls"), "language": "shell"}}],
    )
    with django_capture_on_commit_callbacks(execute=True):
        syncing.sync_named(from_notion.DEV_DOCS)
    body = client.get("/dev/far").content.decode()
    assert '<h2 id="deep">Deep</h2>' in body
    assert "ls" in body


class TestHook:
    @pytest.fixture(autouse=True)
    def _configured(self, settings: Any) -> None:
        settings.DEV_DOCS_HOOK_SECRET = SECRET

    def post(self, client: Client, key: str = "msg_1", body: bytes = b'{"type": "build"}', **changed: Any) -> Any:
        moment = changed.pop("at", now())
        signature = Webhook(changed.pop("secret", SECRET)).sign(key, moment, body.decode())
        headers = {"webhook-id": key, "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature}
        return client.post(
            "/webhooks/dev-docs/",
            body,
            content_type="application/json",
            headers={**headers, **changed.get("headers", {})},
        )

    def test_signed_it_orders_a_sync_once(self, client: Client, fake_notion: FakeNotion) -> None:
        assert self.post(client).json()["duplicate"] is False
        assert self.post(client).json()["duplicate"] is True
        assert handle_due() == 1
        assert NotionTable.objects.get(name=from_notion.DEV_DOCS).due_at is not None
        assert syncing.sync_due() == 1
        assert handle_due() == 0

    @pytest.mark.parametrize(
        "wrong",
        [
            {"headers": {"webhook-signature": "v1,AAAA"}},
            {"headers": {"webhook-signature": ""}},
            {"headers": {"webhook-id": "msg_2"}},
            {"at": datetime(2026, 1, 1, tzinfo=UTC)},
            {"secret": "whsec_" + base64.b64encode(b"x" * 32).decode()},
        ],
    )
    def test_unsigned_or_stale_it_is_refused_without_a_hint(self, client: Client, wrong: dict[str, Any]) -> None:
        answer = self.post(client, **wrong)
        assert answer.status_code == 401
        plain = client.post("/webhooks/dev-docs/", b"{}", content_type="application/json")
        told = [{name: value for name, value in one.json().items() if name != "request_id"} for one in (answer, plain)]
        assert told[0] == told[1]
        assert not ExternalEvent.objects.exists()

    def test_without_a_secret_there_is_no_such_address(self, client: Client, settings: Any) -> None:
        settings.DEV_DOCS_HOOK_SECRET = ""
        assert self.post(client).status_code == 404

    def test_without_notion_it_does_nothing(self, client: Client) -> None:
        assert self.post(client, body=json.dumps([1]).encode()).status_code == 200
        assert handle_due() == 1
        assert not NotionTable.objects.exists()

    def test_within_five_minutes(self, client: Client) -> None:
        assert self.post(client, at=now() - timedelta(minutes=4)).status_code == 200
        assert self.post(client, key="msg_9", at=now() - timedelta(minutes=6)).status_code == 401
