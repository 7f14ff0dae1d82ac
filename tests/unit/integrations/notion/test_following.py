"""Tables that people write at Notion: what changed comes once, what is gone is forgotten, what breaks stays apart."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from apps.core.clock import now
from apps.core.kinds import NotionProperty, NotionSource
from apps.integrations.models import NotionPage, NotionTable
from apps.integrations.notion import following, syncing
from apps.integrations.notion.fake import FakeNotion, Fault
from apps.integrations.notion.objects import WrittenPage
from apps.integrations.notion.properties import text
from tests.common.notion import only

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


@dataclass
class Reader:
    """Who follows, and what came."""

    received: list[WrittenPage] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    breaks_at: str = ""

    def receive(self, page: WrittenPage) -> None:
        if self.breaks_at and page.values["Title"] == self.breaks_at:
            raise ValueError("not readable")
        self.received.append(page)

    def titles(self) -> list[str]:
        """Of what came since last asked."""
        found = [page.values["Title"] for page in self.received]
        self.received.clear()
        return found


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    columns = (NotionProperty("Title", "title"), NotionProperty("Order", "number"))
    with only(NotionSource("notes", "Notes", columns, made.receive, made.forgotten.append)):
        yield made


@pytest.fixture
def moment() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def write(fake: FakeNotion, title: str, *paragraphs: str) -> str:
    """Somebody writes a page."""
    blocks = [{"paragraph": {"rich_text": text(words)}} for words in paragraphs]
    return fake.write(fake.source_id("Notes"), {"Title": {"title": text(title)}}, blocks)


def test_what_is_written_comes_with_its_values_and_text(fake_notion: FakeNotion, reader: Reader, moment: Any) -> None:
    syncing.sync_all()
    page = write(fake_notion, "First", "Hello *you*.", "More.")
    assert syncing.sync_all() == "Notes: 1 pages received, 0 forgotten"
    [came] = reader.received
    assert (came.id, came.values, came.markdown) == (
        page,
        {"Title": "First", "Order": None},
        "Hello \\*you\\*.\n\nMore.\n",
    )
    assert came.edited_at == NOON.replace(second=0)


def test_the_same_edit_comes_once_and_a_later_one_within_its_minute_too(
    fake_notion: FakeNotion, reader: Reader, moment: Any
) -> None:
    syncing.sync_all()
    page = write(fake_notion, "First")
    write(fake_notion, "Second")
    syncing.sync_all()
    assert reader.titles() == ["First", "Second"]
    syncing.sync_all()
    assert reader.titles() == []
    fake_notion.edit(page, {"Order": {"number": 7}})
    syncing.sync_all()
    assert reader.titles() == ["First"]


def test_what_did_not_change_for_long_is_not_even_read(fake_notion: FakeNotion, reader: Reader, moment: Any) -> None:
    syncing.sync_all()
    page = write(fake_notion, "First")
    syncing.sync_all()
    moment.shift(timedelta(minutes=10))
    syncing.sync_all()
    fake_notion.requests.clear()
    moment.shift(timedelta(minutes=10))
    syncing.sync_all()
    assert [request.path.rsplit("/")[-1] for request in fake_notion.requests] == ["query"]
    assert "last_edited_time" in str(fake_notion.requests[0].body["filter"])
    moment.shift(timedelta(days=1))
    fake_notion.edit(page, blocks=[{"divider": {}}])
    reader.received.clear()
    syncing.sync_all()
    assert reader.titles() == ["First"]


def test_what_breaks_keeps_nothing_else_away_and_comes_later(
    fake_notion: FakeNotion, reader: Reader, moment: Any
) -> None:
    syncing.sync_all()
    for title in ("One", "Bad", "Two"):
        write(fake_notion, title)
    reader.breaks_at = "Bad"
    syncing.sync_all()
    assert reader.titles() == ["One", "Two"]
    bad = NotionPage.objects.get(state="pending")
    assert (bad.attempts, bad.last_error) == (1, "ValueError: not readable")
    reader.breaks_at = ""
    moment.shift(timedelta(hours=1))
    syncing.sync_all()
    assert reader.titles() == ["Bad"]
    assert set(NotionPage.objects.values_list("state", flat=True)) == {"synced"}


def test_what_never_works_is_given_up_until_staff_or_an_edit_try_again(
    fake_notion: FakeNotion, reader: Reader, moment: Any
) -> None:
    syncing.sync_all()
    page = write(fake_notion, "Bad")
    reader.breaks_at = "Bad"
    for _time in range(following.MAX_ATTEMPTS):
        syncing.sync_all()
        moment.shift(timedelta(hours=2))
    failed = NotionPage.objects.get()
    assert failed.state == "failed"
    reader.breaks_at = ""
    syncing.sync_all()
    syncing.retry_page(failed)
    assert syncing.sync_due() == 1
    assert reader.titles() == ["Bad"]
    assert page == NotionPage.objects.get().page_id


def test_what_is_gone_is_forgotten_by_the_nightly_look(fake_notion: FakeNotion, reader: Reader, moment: Any) -> None:
    syncing.sync_all()
    pages = [write(fake_notion, title) for title in ("Stays", "Trashed", "Deleted")]
    syncing.sync_all()
    fake_notion.throw_away(pages[1])
    fake_notion.world.delete(pages[2])
    syncing.sync_all()
    assert reader.forgotten == []
    assert syncing.sync_daily() == "Notes: 0 pages received, 2 forgotten"
    assert sorted(reader.forgotten) == sorted(pages[1:])
    assert NotionPage.objects.get().page_id == pages[0]


def test_what_a_listing_left_out_is_not_forgotten(
    fake_notion: FakeNotion, reader: Reader, moment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncing.sync_all()
    pages = [write(fake_notion, title) for title in ("First", "Second", "Moved")]
    syncing.sync_all()
    elsewhere = {"type": "page_id", "page_id": "11111111-1111-4111-8111-111111111111"}
    fake_notion.world.pages[pages[2]]["parent"] = elsewhere
    monkeypatch.setattr(following, "_changed", lambda *_args: iter(()))
    assert syncing.sync_daily() == "Notes: 0 pages received, 1 forgotten"
    assert reader.forgotten == pages[2:]


def test_what_is_not_shared_for_a_while_is_not_forgotten(
    fake_notion: FakeNotion, reader: Reader, moment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncing.sync_all()
    write(fake_notion, "First")
    syncing.sync_all()
    monkeypatch.setattr(following, "_changed", lambda *_args: iter(()))
    fake_notion.faults += [Fault(404, "object_not_found", path="/pages"), Fault(404, path="/data_sources")]
    with pytest.raises(syncing.SyncFailedError):
        syncing.sync_daily()
    assert reader.forgotten == []


def test_trouble_is_waited_out(fake_notion: FakeNotion, reader: Reader, moment: Any) -> None:
    syncing.sync_all()
    write(fake_notion, "First", "text")
    fake_notion.faults += [Fault(429, "rate_limited", retry_after=1), Fault(500), Fault(hang_up=True)]
    syncing.sync_all()
    assert reader.titles() == ["First"]


def test_an_order_reaches_the_table(fake_notion: FakeNotion, reader: Reader, moment: Any) -> None:
    syncing.sync_all()
    write(fake_notion, "First")
    syncing.order_table("notes")
    syncing.order_table("nobody")
    assert syncing.sync_due() == 1
    assert reader.titles() == ["First"]
    assert NotionTable.objects.get().due_at is None
    assert NotionTable.objects.get().seen_until == now().replace(second=0)
