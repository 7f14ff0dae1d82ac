"""A worker that syncs to Notion is killed again and again: every row is there in the end, and none twice."""

import sys
from collections import Counter
from pathlib import Path

from apps.integrations.notion.fake import FakeNotion, Trouble
from apps.integrations.notion.properties import EXTERNAL_ID
from tests.common.platform import running_platform
from tests.common.processes import eventually
from tests.faults.notion_actions import ROWS

KILLS = 3


def test_killed_in_the_middle_no_page_is_there_twice(tmp_path: Path) -> None:
    with FakeNotion() as fake:
        fake.trouble = Trouble(rate=150, burst=20, refused=0.05, failed_after=0.02)
        settings = {"NOTION_TOKEN": fake.token, "NOTION_PARENT_PAGE": fake.parent, "NOTION_API_URL": fake.url}
        with running_platform(tmp_path, services=False, **settings) as (platform, _redis):
            program = platform.program("sync", sys.executable, "-m", "tests.faults.notion_actions")
            lost = 0
            for kill in range(1, KILLS + 1):
                program.start()
                wanted = kill * ROWS // (KILLS + 2)
                eventually(lambda: len(_rows(fake)) >= wanted, 60, f"{wanted} pages", every=0.02)  # noqa: B023
                program.kill()
                found = platform.call("tests.faults.notion_actions:free")
                lost += len(_rows(fake)) - found["synced"]
            assert lost > 0, "no kill came between an answer and our note of it: the test shows nothing"
            program.start()
            program.wait_until("rows, ", 120)
            fake.trouble = None
            there = Counter(str(row[EXTERNAL_ID]) for row in _rows(fake))
            sys.stdout.write(f"killed {KILLS} times; {lost} pages were made that nobody had noted\n")
            assert set(there) == {f"row-{number}" for number in range(ROWS)}
            assert max(there.values()) == 1


def _rows(fake: FakeNotion) -> list[dict[str, object]]:
    try:
        return fake.rows("Killed")
    except StopIteration:  # no table yet
        return []
