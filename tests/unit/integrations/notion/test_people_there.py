"""What people do with our rows at Notion: throw them away, keep them from us for a while."""

import pytest

from apps.core.clock import now
from apps.integrations.models import NotionPage, NotionTable
from apps.integrations.notion import syncing
from apps.integrations.notion.fake import FakeNotion, Fault
from apps.integrations.notion.properties import EXTERNAL_ID
from tests.common.notion import Kept, some

pytestmark = pytest.mark.django_db
State = NotionPage.State


def test_a_page_in_the_trash_comes_back_with_its_next_change(fake_notion: FakeNotion, kept: Kept) -> None:
    kept.people = some(1)
    syncing.sync_all()
    [row] = fake_notion.rows("People")
    fake_notion.throw_away(row["id"])
    kept.people["p0"]["Age"] = 7
    syncing.sync_all()
    assert [(one["id"], one["Age"]) for one in fake_notion.rows("People")] == [(row["id"], 7)]


def test_a_page_that_is_gone_for_good_is_made_anew(fake_notion: FakeNotion, kept: Kept) -> None:
    kept.people = some(1)
    syncing.sync_all()
    fake_notion.world.delete(fake_notion.rows("People")[0]["id"])
    kept.people["p0"]["Age"] = 7
    syncing.sync_all()
    assert [one["Age"] for one in fake_notion.rows("People")] == [7]


def test_a_page_that_is_gone_needs_no_end(fake_notion: FakeNotion, kept: Kept) -> None:
    kept.people = some(1)
    syncing.sync_all()
    fake_notion.world.delete(fake_notion.rows("People")[0]["id"])
    kept.people = {}
    syncing.sync_all()
    assert not NotionPage.objects.exists()


@pytest.mark.parametrize("ending", [False, True], ids=["changed", "ended"])
def test_what_was_not_shared_for_a_while_is_there_once(fake_notion: FakeNotion, kept: Kept, ending: bool) -> None:
    kept.people = some(4)
    syncing.sync_all()
    kept.people = {} if ending else some(4, Note="changed")
    fake_notion.faults += [Fault(404, "object_not_found", path="/pages") for _ in range(4)]
    fake_notion.faults.append(Fault(404, "object_not_found", path="/query"))
    with pytest.raises(syncing.SyncFailedError, match="NotionMissingError"):
        syncing.sync_all()
    NotionPage.objects.update(due_at=now())
    syncing.sync_all()
    assert sorted(row[EXTERNAL_ID] for row in fake_notion.rows("People")) == sorted(kept.people)
    assert all(row["Note"] == "changed" for row in fake_notion.rows("People"))


def test_one_that_is_listed_but_never_to_be_had_is_given_up(fake_notion: FakeNotion, kept: Kept) -> None:
    kept.people = some(2)
    syncing.sync_all()
    kept.people["p0"]["Age"] = 50
    fake_notion.faults += [Fault(404, "object_not_found", method="PATCH", path="/pages") for _ in range(99)]
    syncing.sync_all()
    assert sorted(NotionPage.objects.values_list("state", flat=True)) == [State.FAILED, State.SYNCED]
    assert len(fake_notion.rows("People")) == 2


def test_a_table_that_is_gone_is_made_anew_at_the_next_try(fake_notion: FakeNotion, kept: Kept) -> None:
    kept.people = some(2)
    syncing.sync_all()
    fake_notion.world.trash_database(NotionTable.objects.get().database_id)
    kept.people["p9"] = {"Name": "Late"}
    with pytest.raises(syncing.SyncFailedError, match="NotionMissingError"):
        syncing.sync_all()
    NotionTable.objects.update(due_at=now())
    syncing.sync_due()
    assert sorted(row[EXTERNAL_ID] for row in fake_notion.rows("People")) == ["p0", "p1", "p9"]
