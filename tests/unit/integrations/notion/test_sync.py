"""Rows of ours at Notion: what goes there, what does not have to, and that nothing is there twice."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection as database

from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.core.kinds import NotionDatabase, NotionProperty, NotionRow
from apps.core.registry import contributed
from apps.integrations.models import NotionPage, NotionTable
from apps.integrations.notion import calls, pushing, syncing
from apps.integrations.notion.fake import FakeNotion, Fault, Trouble
from apps.integrations.notion.properties import EXTERNAL_ID
from apps.integrations.notion.tables import Direction, TableBusyError, held, note_failure, row_of
from tests.common.notion import Kept, some

pytestmark = pytest.mark.django_db
State = NotionPage.State


def table() -> NotionTable:
    """The only one."""
    return NotionTable.objects.get()


def writes(fake: FakeNotion) -> list[tuple[str, str]]:
    """What changed something since last asked."""
    found = [(one.method, one.path.split("/")[2]) for one in fake.requests if one.is_write]
    fake.requests.clear()
    return found


class TestSync:
    def test_rows_are_there_with_all_their_values(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people["ada"] = {
            "Name": "Ada", "Note": "x" * 5_000, "Age": Decimal("36.5"), "Kind": "good, or so",
            "Since": date(2026, 3, 1), "Active": True, "Site": "https://levqor.example/", "Mail": "ada@levqor.example",
        }  # fmt: skip
        kept.people["nobody"] = {"Name": ""}
        assert syncing.sync_all() == "People: 2 rows, 2 created"
        nobody, ada = sorted(fake_notion.rows("People"), key=lambda row: str(row["Name"]))
        del ada["id"]
        assert ada == {
            "Name": "Ada", "Note": "x" * 5_000, "Age": 36.5, "Kind": "good; or so",
            "Since": "2026-03-01", "Active": True, "Site": "https://levqor.example/", "Mail": "ada@levqor.example",
            EXTERNAL_ID: "ada",
        }  # fmt: skip
        assert not any(value for name, value in nobody.items() if name not in ("id", EXTERNAL_ID))
        page = NotionPage.objects.get(external_id="ada")
        assert (page.state, page.values, page.present) == (State.SYNCED, {}, page.wanted)
        assert table().state == NotionTable.State.READY
        assert table().url.startswith("https://www.notion.so/")

    def test_what_did_not_change_costs_no_call(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(7)
        syncing.sync_all()
        fake_notion.requests.clear()
        assert syncing.sync_all() == "People: 7 rows, nothing to do"
        assert syncing.sync_due() == 0
        assert not fake_notion.requests

    def test_only_what_changed_goes_out(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(5)
        syncing.sync_all()
        writes(fake_notion)
        kept.people["p2"]["Age"], kept.people["new"] = 99, {"Name": "New"}
        del kept.people["p4"]
        assert syncing.sync_all() == "People: 5 rows, 1 created, 1 updated, 1 archived"
        assert sorted(writes(fake_notion)) == [("PATCH", "pages"), ("PATCH", "pages"), ("POST", "pages")]
        rows = {row[EXTERNAL_ID]: row["Age"] for row in fake_notion.rows("People")}
        assert rows == {"p0": 0, "p1": 1, "p2": 99, "p3": 3, "new": None}
        assert NotionPage.objects.count() == 5

    def test_who_comes_back_is_there_again_once(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(1)
        syncing.sync_all()
        kept.people = {}
        syncing.sync_all()
        kept.people = some(1)
        syncing.sync_all()
        assert len(fake_notion.rows("People")) == 1

    def test_reading_that_breaks_ends_no_row(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(3)
        syncing.sync_all()
        kept.people, kept.error = some(1), RuntimeError("the query broke")
        with pytest.raises(syncing.SyncFailedError, match="the query broke"):
            syncing.sync_all()
        assert len(fake_notion.rows("People")) == 3
        assert table().state == NotionTable.State.FAILED
        assert table().due_at is not None
        kept.error = None
        NotionTable.objects.update(due_at=now())
        assert syncing.sync_due() == 1
        assert (table().state, table().due_at, table().last_error) == (NotionTable.State.READY, None, "")
        assert len(fake_notion.rows("People")) == 1

    def test_two_rows_of_one_id_are_refused(self, fake_notion: FakeNotion, kept: Kept) -> None:
        def twice() -> Iterator[NotionRow]:
            yield NotionRow("same", {"Name": "One"})
            yield NotionRow("same", {"Name": "Two"})

        other = NotionDatabase("twice", "Twice", (NotionProperty("Name", "title"),), twice)
        with contributed(other), pytest.raises(syncing.SyncFailedError, match="same id"):
            syncing.sync_all()

    @pytest.mark.parametrize(
        "wrong",
        [{"Unknown": 1}, {"Age": "old"}, {"Age": float("nan")}, {"Age": True}, {"Since": "soon"},
         {"Since": datetime(2026, 1, 1)}],  # noqa: DTZ001 - naive on purpose
    )  # fmt: skip
    def test_a_row_that_does_not_fit_fails_its_table(
        self, fake_notion: FakeNotion, kept: Kept, wrong: dict[str, Any]
    ) -> None:
        kept.people["p"] = {"Name": "P", **wrong}
        with pytest.raises(syncing.SyncFailedError, match="UnfitRowError"):
            syncing.sync_all()

    def test_planning_does_not_ask_more_for_more_rows(
        self, fake_notion: FakeNotion, kept: Kept, django_assert_max_num_queries: Any
    ) -> None:
        kept.people = some(200)
        with django_assert_max_num_queries(60):
            syncing.sync_all()
        with django_assert_max_num_queries(25):
            syncing.sync_all()

    def test_without_a_token_nothing_is_asked(self, settings: Any, kept: Kept) -> None:
        settings.NOTION_TOKEN = ""
        assert syncing.sync_all() == syncing.NOT_SET_UP
        assert syncing.sync_due() == 0
        assert not NotionTable.objects.exists()

    def test_one_worker_at_a_time_has_a_table(self, fake_notion: FakeNotion, kept: Kept) -> None:
        row = row_of(Direction.OUTBOUND, kept.database)
        with held(row):
            assert syncing.sync_all() == "People: another worker has it"
            with pytest.raises(TableBusyError), held(row):
                pass
        assert syncing.sync_all() == "People: 0 rows, nothing to do"

    def test_a_lease_that_ran_out_is_taken_over(self, fake_notion: FakeNotion, kept: Kept) -> None:
        row = row_of(Direction.OUTBOUND, kept.database)
        NotionTable.objects.filter(pk=row.pk).update(lease_until=now() - timedelta(seconds=1))
        with held(row):
            pass
        row.refresh_from_db()
        assert row.lease_until is None


class TestNothingTwice:
    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("hang_up", [False, True])
    def test_a_page_that_may_be_there_is_looked_for_first(
        self, fake_notion: FakeNotion, kept: Kept, after: bool, hang_up: bool
    ) -> None:
        kept.people = some(3)
        fake_notion.faults.append(Fault(method="POST", path="/pages", after_effect=after, hang_up=hang_up))
        syncing.sync_all()
        assert sorted(row[EXTERNAL_ID] for row in fake_notion.rows("People")) == ["p0", "p1", "p2"]
        assert set(NotionPage.objects.values_list("state", "maybe_made")) == {(State.SYNCED, False)}

    def test_a_worker_that_died_on_the_way_leaves_none_twice(
        self, fake_notion: FakeNotion, kept: Kept, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was created there, and the process ended before it could write that down."""

        class Killed(BaseException):
            pass

        def die(*_: Any) -> None:
            raise Killed

        kept.people = some(20)
        with monkeypatch.context() as patch:
            patch.setattr(pushing._Push, "_note", die)
            with pytest.raises(Killed):
                syncing.sync_all()
        there = len(fake_notion.rows("People"))
        assert there > 0
        assert set(NotionPage.objects.values_list("state", "page_id")) == {(State.SENDING, "")}
        NotionTable.objects.update(lease_until=None)
        NotionPage.objects.update(due_at=now())
        syncing.sync_all()
        assert sorted(row[EXTERNAL_ID] for row in fake_notion.rows("People")) == sorted(kept.people)
        assert not NotionPage.objects.exclude(state=State.SYNCED).exists()

    def test_it_is_not_due_again_before_its_lease_ends(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(1)
        syncing.sync_all()
        NotionPage.objects.update(state=State.SENDING, page_id="", due_at=now() + timedelta(minutes=4))
        fake_notion.requests.clear()
        syncing.sync_all()
        assert not fake_notion.requests

    def test_one_that_was_changed_meanwhile_is_found_and_changed(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(1)
        syncing.sync_all()
        NotionPage.objects.update(state=State.SENDING, page_id="", due_at=now() + timedelta(minutes=4))
        kept.people["p0"]["Age"] = 50
        syncing.sync_all()
        assert [row["Age"] for row in fake_notion.rows("People")] == [50]

    def test_one_that_should_be_gone_and_may_be_there_goes(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(2)
        syncing.sync_all()
        NotionPage.objects.filter(external_id="p0").update(page_id="", state=State.SENDING)
        kept.people = {}
        syncing.sync_all()
        assert fake_notion.rows("People") == []
        assert not NotionPage.objects.exists()

    def test_what_is_there_twice_is_put_right(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(1)
        syncing.sync_all()
        words = {"rich_text": [{"type": "text", "text": {"content": "p0"}}]}
        fake_notion.write(fake_notion.source_id("People"), {EXTERNAL_ID: words})
        NotionPage.objects.update(page_id="", maybe_made=True, state=State.PENDING)
        syncing.sync_all()
        assert len(fake_notion.rows("People")) == 1

    def test_by_chance_everything_goes_wrong_and_all_is_there_once(self, fake_notion: FakeNotion, kept: Kept) -> None:
        syncing.sync_all()
        fake_notion.trouble = Trouble(refused=0.2, failed_before=0.1, failed_after=0.1, retry_after=0)
        kept.people = some(150)
        syncing.sync_all()
        assert sorted(row[EXTERNAL_ID] for row in fake_notion.rows("People")) == sorted(kept.people)
        assert all(NotionPage.objects.values_list("page_id", flat=True))
        kept.people = some(120, Note="changed")
        syncing.sync_all()
        assert {row[EXTERNAL_ID]: row["Note"] for row in fake_notion.rows("People")} == dict.fromkeys(
            kept.people, "changed"
        )


class TestFailures:
    def test_a_refused_row_fails_alone_and_staff_try_it_again(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(3)
        fake_notion.faults.append(Fault(400, "validation_error", method="POST", path="/pages"))
        assert syncing.sync_all() == "People: 3 rows, 2 created, 1 failed"
        failed = NotionPage.objects.get(state=State.FAILED)
        assert failed.last_error.startswith("validation_error: ")
        assert syncing.sync_all() == "People: 3 rows, nothing to do"
        syncing.retry_page(failed)
        with pytest.raises(ConflictError):
            syncing.retry_page(failed)
        assert syncing.sync_due() == 1
        assert len(fake_notion.rows("People")) == 3

    def test_one_that_never_gets_an_answer_is_given_up(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(1)
        syncing.sync_all()
        kept.people["p0"]["Age"] = 5
        fake_notion.faults += [Fault(method="PATCH", path="/pages") for _ in range(pushing.MAX_ATTEMPTS)]
        syncing.sync_all()
        assert NotionPage.objects.get().state == State.FAILED

    def test_a_change_tries_a_failed_row_again(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(1)
        fake_notion.faults.append(Fault(400, "validation_error", method="POST", path="/pages"))
        syncing.sync_all()
        kept.people["p0"]["Age"] = 8
        syncing.sync_all()
        assert [row["Age"] for row in fake_notion.rows("People")] == [8]

    def test_a_token_that_is_not_taken_stops_all_and_loses_nothing(self, fake_notion: FakeNotion, kept: Kept) -> None:
        syncing.sync_all()
        kept.people = some(120)
        token, fake_notion.token = fake_notion.token, "ntn_another"
        with pytest.raises(syncing.SyncFailedError, match="NotionTokenError"):
            syncing.sync_all()
        assert set(NotionPage.objects.values_list("state", "attempts")) == {(State.PENDING, 0)}
        assert len(fake_notion.requests) < 60
        fake_notion.token = token
        syncing.sync_all()
        assert len(fake_notion.rows("People")) == 120

    def test_who_is_told_to_wait_long_waits(self, fake_notion: FakeNotion, kept: Kept) -> None:
        kept.people = some(1)
        syncing.sync_all()
        kept.people["p0"]["Age"] = 5
        fake_notion.faults.append(Fault(429, "rate_limited", retry_after=900, method="PATCH"))
        syncing.sync_all()
        page = NotionPage.objects.get()
        assert (page.state, page.attempts) == (State.PENDING, 0)
        assert page.due_at > now() + timedelta(seconds=890)

    def test_a_row_whose_lease_ran_out_is_not_sent(
        self, fake_notion: FakeNotion, kept: Kept, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept.people = some(1)
        syncing.sync_all()
        kept.people = some(2)
        monkeypatch.setattr(pushing, "SENDING_TAKES", pushing.ROW_LEASE)
        fake_notion.requests.clear()
        syncing.sync_table(syncing.connection.notion(), table(), kept.database, until=now() + timedelta(seconds=0.2))
        assert not fake_notion.requests
        assert NotionPage.objects.get(external_id="p1").state == State.PENDING

    def test_failures_come_later_and_later(self, kept: Kept) -> None:
        row = row_of(Direction.OUTBOUND, kept.database)
        pauses = []
        for _time in range(3):
            note_failure(row, RuntimeError("again"))
            row.refresh_from_db()
            pauses.append((row.due_at or now()) - now())
        assert row.attempts == 3
        assert pauses[2] > timedelta(seconds=110)
        assert timedelta(seconds=29) < pauses[0] <= timedelta(seconds=60)

    def test_threads_do_not_touch_the_database(self) -> None:
        assert database.vendor not in vars(calls)
        assert "save" not in calls.Callers._do.__code__.co_names


def test_staff_order_a_sync(fake_notion: FakeNotion, kept: Kept) -> None:
    row = row_of(Direction.OUTBOUND, kept.database)
    kept.people = some(1)
    syncing.order_sync(row)
    assert syncing.sync_due() == 1
    assert len(fake_notion.rows("People")) == 1
    assert table().due_at is None


def test_a_table_that_no_app_keeps_is_left_alone(fake_notion: FakeNotion, kept: Kept) -> None:
    old = NotionTable.objects.create(name="old", direction="out", title="Old", due_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert syncing.sync_due() == 0
    with pytest.raises(ConflictError):
        syncing.order_sync(old)
