"""The first steps that /docs/sdk shows run as they stand, in the sandbox."""

import shutil

import pytest

from apps.developers.docs.snippets import FOLDER, TASKS, Task
from tests.sdk.clients import Client
from tests.sdk.conftest import Live

ENDINGS = {"python": ".py", "typescript": ".mjs"}
TOLD = {
    "whoami": "owner@example.com for Acme",
    "list-runs": "order-digest succeeded",
    "start-run": "succeeded",
    "usage": "calls left until",
}


@pytest.fixture(scope="session")
def sandbox_key(live: Live) -> str:
    """A key of the sandbox, whose own runs have ended."""
    key: str = live.platform.call("tests.sdk.actions:sandbox_key")
    return key


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.slug)
def test_each(client: Client, live: Live, sandbox_key: str, task: Task) -> None:
    program = f"{task.slug}{ENDINGS[client.language]}"
    shutil.copy(FOLDER / program, client.folder)
    told = client.run(program, LEVQOR_API_KEY=sandbox_key, LEVQOR_URL=live.url)
    assert TOLD[task.slug] in told
