"""The real gateway over HTTP: what it asks is what Notion takes, what it is answered is what we understand.

`NOTION_TEST_TOKEN=ntn_… NOTION_TEST_PAGE=… pytest --allow-hosts=127.0.0.1,api.notion.com` with this file holds it, and
so the fake, to Notion's own; the page has to be shared with the integration and fills up.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from apps.core.kinds import NotionProperty, NotionRow
from apps.integrations.notion.errors import (
    NotionInTrashError,
    NotionMissingError,
    NotionRateLimitedError,
    NotionRefusedError,
    NotionTokenError,
    NotionUnavailableError,
)
from apps.integrations.notion.fake import FakeNotion, Fault
from apps.integrations.notion.gateway import NotionGateway
from apps.integrations.notion.guarded import GuardedTransport
from apps.integrations.notion.objects import DataSource
from apps.integrations.notion.properties import (
    EXTERNAL_ID,
    columns_of,
    external_id_column,
    named,
    row_properties,
    text,
    values_of,
)

TOKEN, PAGE = os.environ.get("NOTION_TEST_TOKEN", ""), os.environ.get("NOTION_TEST_PAGE", "")
COLUMNS = (
    NotionProperty("Name", "title"),
    NotionProperty("Note", "rich_text"),
    NotionProperty("Age", "number"),
    NotionProperty("Share", "number", format="percent"),
    NotionProperty("Kind", "select", options=("good", "bad")),
    NotionProperty("Since", "date"),
    NotionProperty("Active", "checkbox"),
    NotionProperty("Site", "url"),
    NotionProperty("Mail", "email"),
)
VALUES = {
    "Name": "Ada", "Note": "n" * 4_500, "Age": 36, "Share": 0.25, "Kind": "good", "Active": True,
    "Since": datetime(2026, 3, 1, 12, 30, tzinfo=UTC), "Site": "https://levqor.example", "Mail": "ada@levqor.example",
}  # fmt: skip


@dataclass
class FarEnd:
    """Where calls go."""

    notion: NotionGateway
    parent: str
    fake: FakeNotion | None = None


@pytest.fixture(scope="module", params=["fake", *(["notion"] if TOKEN and PAGE else [])])
def far_end(request: pytest.FixtureRequest) -> Iterator[FarEnd]:
    """The fake one, and Notion's own where there is a token."""
    if request.param == "notion":
        yield FarEnd(NotionGateway(TOKEN), PAGE)
        return
    with FakeNotion() as fake, closing(NotionGateway(fake.token, fake.url)) as gateway:
        yield FarEnd(gateway, fake.parent, fake)


@pytest.fixture
def notion(far_end: FarEnd) -> NotionGateway:
    """The gateway."""
    return far_end.notion


@pytest.fixture
def fake(far_end: FarEnd) -> FakeNotion:
    """For what goes wrong on demand."""
    if far_end.fake is None:
        pytest.skip("Nothing goes wrong on demand there.")
    return far_end.fake


@pytest.fixture(scope="module")
def table(far_end: FarEnd) -> DataSource:
    """A table with a column of every kind."""
    title = f"Contract {uuid.uuid4().hex[:8]}"
    return far_end.notion.create_database(far_end.parent, title, {**columns_of(COLUMNS), **external_id_column()})


def row(external_id: str, **values: object) -> dict[str, object]:
    """A row as it goes out."""
    return row_properties(COLUMNS, NotionRow(external_id, {**VALUES, **values}))


class TestTables:
    def test_the_token_is_somebodys(self, notion: NotionGateway) -> None:
        assert notion.me()

    def test_a_database_is_found_under_its_page_with_its_columns(self, far_end: FarEnd, table: DataSource) -> None:
        assert (table.database_id, table.title) in far_end.notion.databases_under(far_end.parent)
        found = far_end.notion.database(table.database_id)
        assert (found.id, found.columns) == (table.id, table.columns)
        assert found.columns["Name"] == "title"
        assert found.columns[EXTERNAL_ID] == "rich_text"
        assert found.url.startswith("https://")

    def test_columns_are_added_and_renamed_and_others_stay(self, notion: NotionGateway, table: DataSource) -> None:
        changed = notion.add_columns(table.id, {"More": {"number": {"format": "dollar"}}, "Note": {"name": "Words"}})
        assert changed.columns == {
            **{name: kind for name, kind in table.columns.items() if name != "Note"},
            "More": "number",
            "Words": "rich_text",
        }
        assert notion.add_columns(table.id, {"Words": {"name": "Note"}}).columns["Note"] == "rich_text"

    def test_what_is_not_there_is_missing(self, notion: NotionGateway) -> None:
        for call in (notion.database, notion.data_source, notion.page):
            with pytest.raises(NotionMissingError):
                call(str(uuid.uuid4()))


class TestPages:
    def test_values_of_every_kind_come_back(self, notion: NotionGateway, table: DataSource) -> None:
        made = notion.create_page(table.id, row("every"))
        values = values_of(notion.page(made.id).properties)
        assert {name: values[name] for name in VALUES if name != "Since"} == {
            name: value for name, value in VALUES.items() if name != "Since"
        }
        assert datetime.fromisoformat(values["Since"]) == VALUES["Since"]
        assert values[EXTERNAL_ID] == "every"

    def test_nothing_is_a_value_too(self, notion: NotionGateway, table: DataSource) -> None:
        made = notion.create_page(table.id, row("nothing"))
        notion.update_page(made.id, row("nothing", **dict.fromkeys(VALUES)))
        values = values_of(notion.page(made.id).properties)
        assert not any(values[name] for name in VALUES)

    def test_rows_are_found_by_their_ids(self, notion: NotionGateway, table: DataSource) -> None:
        ids = [f"found-{number}" for number in range(3)]
        made = {one: notion.create_page(table.id, row(one)).id for one in ids}
        found = notion.query(table.id, filter=named([*ids, "nobody"])).pages
        assert {page.id for page in found} == set(made.values())

    def test_a_query_goes_on_where_it_ended(self, notion: NotionGateway, table: DataSource) -> None:
        for number in range(5):
            notion.create_page(table.id, row(f"part-{number}"))
        everything = {page.id for page in notion.query(table.id).pages}
        seen, cursor = [], None
        while True:
            told = notion.query(table.id, cursor=cursor, limit=2)
            seen += [page.id for page in told.pages]
            cursor = told.cursor
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == len(everything)

    def test_changes_are_found_by_time_in_order(self, notion: NotionGateway, table: DataSource) -> None:
        made = notion.create_page(table.id, row("timed"))
        at = notion.page(made.id).edited_at
        assert at.second == 0
        order = [{"timestamp": "last_edited_time", "direction": "ascending"}]
        later = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": at.isoformat()}}
        found = notion.query(table.id, filter=later, sorts=order).pages
        assert made.id in {page.id for page in found}
        assert [page.edited_at for page in found] == sorted(page.edited_at for page in found)
        much_later = (at + timedelta(days=1)).isoformat()
        never = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": much_later}}
        assert notion.query(table.id, filter=never).pages == []

    def test_in_the_trash_it_is_not_found_and_not_changed(self, notion: NotionGateway, table: DataSource) -> None:
        made = notion.create_page(table.id, row("trashed"))
        notion.archive_page(made.id)
        assert notion.page(made.id).in_trash
        assert notion.page(made.id).table == table.id
        assert notion.query(table.id, filter=named(["trashed"])).pages == []
        with pytest.raises(NotionInTrashError):
            notion.update_page(made.id, row("trashed"))
        notion.restore_page(made.id)
        notion.update_page(made.id, row("trashed", Age=37))
        assert values_of(notion.page(made.id).properties)["Age"] == 37


class TestText:
    def test_blocks_come_back_in_order_with_what_is_inside(self, far_end: FarEnd) -> None:
        inner = {"bulleted_list_item": {"rich_text": text("inner")}}
        blocks = [
            {"heading_1": {"rich_text": text("Head")}},
            {"bulleted_list_item": {"rich_text": text("outer"), "children": [inner]}},
        ]
        page = far_end.notion.create_page_under(far_end.parent, "Written", blocks)
        ids = far_end.notion.append_blocks(page.id, [{"paragraph": {"rich_text": text("more")}}, {"divider": {}}])
        found = list(far_end.notion.blocks(page.id))
        assert [block["type"] for block in found] == ["heading_1", "bulleted_list_item", "paragraph", "divider"]
        assert [block["id"] for block in found[2:]] == ids
        assert [block["has_children"] for block in found] == [False, True, False, False]
        [inside] = far_end.notion.blocks(found[1]["id"])
        assert inside["bulleted_list_item"]["rich_text"][0]["plain_text"] == "inner"

    def test_long_text_is_told_in_parts(self, far_end: FarEnd) -> None:
        page = far_end.notion.create_page_under(far_end.parent, "Long")
        for _time in range(2):
            far_end.notion.append_blocks(page.id, [{"divider": {}}] * 75)
        assert len(list(far_end.notion.blocks(page.id))) == 150


class TestRefusals:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"Unknown": {"number": 1}},
            {"Age": {"rich_text": []}},
            {"Age": {"number": "1"}},
            {"Active": {"checkbox": None}},
            {"Note": {"rich_text": [{"text": {"content": "x" * 2_001}}]}},
            {"Note": {"rich_text": text("x") * 101}},
            {"Kind": {"select": {"name": "a,b"}}},
            {"Since": {"date": {"start": "yesterday"}}},
            {"Site": {"url": ""}},
        ],
    )
    def test_what_is_wrong_is_refused_for_good(
        self, notion: NotionGateway, table: DataSource, wrong: dict[str, object]
    ) -> None:
        before = len(notion.query(table.id).pages)
        with pytest.raises(NotionRefusedError) as refused:
            notion.create_page(table.id, wrong)
        assert refused.value.notion_code == "validation_error"
        assert len(notion.query(table.id).pages) == before

    def test_too_much_text_and_a_false_block_are_refused(self, far_end: FarEnd) -> None:
        page = far_end.notion.create_page_under(far_end.parent, "Wrong")
        for blocks in ([{"divider": {}}] * 101, [{"unheard_of": {}}]):
            with pytest.raises(NotionRefusedError):
                far_end.notion.append_blocks(page.id, blocks)

    def test_a_column_of_another_kind_is_no_filter(self, notion: NotionGateway, table: DataSource) -> None:
        with pytest.raises(NotionRefusedError):
            notion.query(table.id, filter={"property": "Age", "rich_text": {"equals": "1"}})

    def test_an_id_that_leads_elsewhere_is_none(self, notion: NotionGateway) -> None:
        with pytest.raises(NotionRefusedError):
            notion.page("../users/me")

    def test_a_token_of_nobody_is_not_taken(self, far_end: FarEnd) -> None:
        address = far_end.fake.url if far_end.fake else ""
        with closing(NotionGateway("ntn_nobody", address)) as stranger, pytest.raises(NotionTokenError):
            stranger.me()


class TestTrouble:
    def test_too_many_calls_say_how_long_to_wait_and_nothing_was_done(
        self, notion: NotionGateway, fake: FakeNotion, table: DataSource
    ) -> None:
        fake.faults.append(Fault(429, "rate_limited", retry_after=7))
        with pytest.raises(NotionRateLimitedError) as refused:
            notion.create_page(table.id, row("limited"))
        assert (refused.value.retry_after, refused.value.ambiguous) == (7, False)
        assert notion.query(table.id, filter=named(["limited"])).pages == []

    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("fault", [Fault(500), Fault(503, "service_unavailable"), Fault(hang_up=True)])
    def test_what_failed_may_have_been_done(
        self, notion: NotionGateway, fake: FakeNotion, table: DataSource, fault: Fault, after: bool
    ) -> None:
        name = f"failed-{uuid.uuid4().hex}"
        fake.faults.append(Fault(fault.status, fault.code, hang_up=fault.hang_up, after_effect=after))
        with pytest.raises(NotionUnavailableError) as failed:
            notion.create_page(table.id, row(name))
        assert failed.value.ambiguous
        assert len(notion.query(table.id, filter=named([name])).pages) == after

    def test_who_was_not_reached_did_nothing(self, fake: FakeNotion) -> None:
        nowhere = NotionGateway(fake.token, "http://127.0.0.1:9")
        with pytest.raises(NotionUnavailableError) as failed:
            nowhere.me()
        assert not failed.value.ambiguous

    def test_what_is_no_answer_of_notions_is_none(self, notion: NotionGateway, fake: FakeNotion) -> None:
        elsewhere = NotionGateway(fake.token, f"{fake.url}/elsewhere")  # answers 404 in plain text
        with closing(elsewhere), pytest.raises((NotionMissingError, NotionUnavailableError)):
            elsewhere.me()

    def test_a_customers_calls_take_the_guarded_way(self, fake: FakeNotion, settings: object) -> None:
        blocked = NotionGateway(fake.token, fake.url, transport=GuardedTransport())
        with pytest.raises(NotionUnavailableError) as refused:
            blocked.me()
        assert not refused.value.ambiguous
        settings.OUTBOUND_ALLOWED_HOSTS = [fake.url.removeprefix("http://")]  # type: ignore[attr-defined]
        assert NotionGateway(fake.token, fake.url, transport=GuardedTransport()).me()
