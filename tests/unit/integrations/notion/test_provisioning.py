"""Making tables: what is missing, once, and nothing that people made is touched."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.core.kinds import NotionDatabase, NotionProperty, NotionSource
from apps.integrations.models import NotionPage, NotionTable
from apps.integrations.notion import syncing
from apps.integrations.notion.errors import NotionNotSetUpError
from apps.integrations.notion.fake import FakeNotion, Fault
from apps.integrations.notion.health import notion as health
from tests.common.notion import Kept, only

pytestmark = pytest.mark.django_db


def provision(*options: str) -> str:
    """What the command says."""
    said = StringIO()
    call_command("provision_notion", *options, stdout=said)
    return said.getvalue()


def test_made_once_then_complete(fake_notion: FakeNotion, kept: Kept) -> None:
    assert provision("--dry-run") == "People: created\n"
    assert not fake_notion.world.databases
    assert provision() == "People: created\n"
    assert provision() == "People: complete\n"
    assert len(fake_notion.world.databases) == 1
    row = NotionTable.objects.get()
    assert row.data_source_id == fake_notion.source_id("People")


def test_one_that_is_there_by_its_title_is_the_one(fake_notion: FakeNotion, kept: Kept) -> None:
    """As after a process that died between Notion's answer and our note of it."""
    provision()
    NotionTable.objects.all().delete()
    assert provision() == "People: complete\n"
    assert len(fake_notion.world.databases) == 1


def test_columns_are_added_and_peoples_own_stay(fake_notion: FakeNotion, kept: Kept) -> None:
    provision()
    source = fake_notion.source_id("People")
    fake_notion.world.add_columns(source, {"Theirs": {"checkbox": {}}, "Name": {"name": "Who"}})
    del fake_notion.world.sources[source]["properties"]["Age"]
    assert sorted(provision().strip().removeprefix("People: added ").split(", ")) == ["Age", "Who"]
    assert {"Theirs", "Name", "Age"} <= fake_notion.world.sources[source]["properties"].keys()
    assert provision() == "People: complete\n"


def test_a_new_column_in_the_code_comes_with_the_next_sync(fake_notion: FakeNotion, kept: Kept) -> None:
    kept.people["a"] = {"Name": "A"}
    syncing.sync_all()
    wider = NotionDatabase("people", "People", (*kept.database.properties, NotionProperty("More", "number")), kept.rows)
    with only(wider):
        kept.people["a"]["More"] = 3
        syncing.sync_all()
    assert fake_notion.rows("People")[0]["More"] == 3


def test_a_column_of_another_kind_is_theirs(fake_notion: FakeNotion, kept: Kept) -> None:
    provision()
    source = fake_notion.source_id("People")
    fake_notion.world.sources[source]["properties"]["Age"] = {
        "id": "x",
        "name": "Age",
        "type": "checkbox",
        "checkbox": {},
    }
    with pytest.raises(CommandError):
        provision()
    row = NotionTable.objects.get()
    assert "rename it" in row.last_error
    assert health()[0] == "failed"


def test_one_that_fails_keeps_no_other_away(fake_notion: FakeNotion, kept: Kept) -> None:
    bad = NotionDatabase("bad", "A bad one", (NotionProperty("Password", "title"),), list)
    followed = NotionSource("notes", "Notes", (NotionProperty("Name", "title"),), lambda _page: None, lambda _id: None)
    with only(bad, kept.database, followed), pytest.raises(CommandError):
        provision()
    assert set(NotionTable.objects.filter(state="ready").values_list("name", flat=True)) == {"people", "notes"}


def test_refusals_are_waited_out_and_nothing_is_made_twice(fake_notion: FakeNotion, kept: Kept) -> None:
    fake_notion.faults += [Fault(429, "rate_limited", retry_after=1, path="/databases"), Fault(500, method="GET")]
    assert provision() == "People: created\n"
    assert len(fake_notion.world.databases) == 1


def test_an_answer_that_got_lost_makes_no_second_one(fake_notion: FakeNotion, kept: Kept) -> None:
    fake_notion.faults.append(Fault(after_effect=True, method="POST", path="/databases"))
    with pytest.raises(CommandError):
        provision()
    assert provision() == "People: complete\n"
    assert len(fake_notion.world.databases) == 1


def test_another_table_gets_all_rows_anew(fake_notion: FakeNotion, kept: Kept) -> None:
    kept.people = {"a": {"Name": "A"}, "b": {"Name": "B"}}
    syncing.sync_all()
    fake_notion.world.trash_database(NotionTable.objects.get().database_id)
    provision()
    assert set(NotionPage.objects.values_list("page_id", flat=True)) == {""}
    syncing.sync_all()
    assert len(fake_notion.rows("People")) == 2


def test_without_a_token_it_says_so(settings: Any) -> None:
    settings.NOTION_TOKEN = ""
    with pytest.raises(NotionNotSetUpError):
        provision()
    assert health() == ("off", "Notion is not set up: nothing goes there (NOTION_TOKEN and NOTION_PARENT_PAGE).")


def test_health_tells_of_refused_pages(fake_notion: FakeNotion, kept: Kept) -> None:
    kept.people = {"a": {"Name": "A"}}
    fake_notion.faults.append(Fault(400, "validation_error", method="POST", path="/pages"))
    syncing.sync_all()
    assert health() == ("warning", "1 page was refused by Notion; staff can try it again.")


def test_the_fake_has_a_page(fake_notion: FakeNotion, kept: Kept) -> None:
    kept.people = {"a": {"Name": "<Ada>"}}
    syncing.sync_all()
    reply = fake_notion.answer("GET", "/", {}, b"")
    assert reply is not None
    assert b"&lt;Ada&gt;" in reply.content
    assert b"Not Notion" in reply.content
