"""Every snippet of the documentation does what the page says: each runs as it stands against a platform's sandbox."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from apps.developers.docs.guides import Guide, our_guides
from apps.developers.docs.snippets import TASKS, Task

OWNER, PASSWORD = "owner@demo.levqor.test", "levqor-demo"
PROGRAMS = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
PREPARED = "export LEVQOR_API=https://levqor.example/api/sandbox/v1\nexport LEVQOR_API_KEY=lvq_test_…\n"


@pytest.fixture(scope="session")
def sandbox(platform: str) -> dict[str, str]:
    """What the guides have readers export: the sandbox's address and a key for it."""
    with httpx.Client(base_url=platform, follow_redirects=True) as browser:
        browser.get("/accounts/login/")
        form = {"login": OWNER, "password": PASSWORD, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        browser.post("/accounts/login/", data=form, headers={"Referer": platform})
        made = browser.post(
            "/api/key/new",
            json={"name": "Guides", "environment": "test"},
            headers={"X-CSRFToken": browser.cookies["csrftoken"], "Referer": platform},
        )
    assert made.status_code == 201, made.text
    return {"LEVQOR_API": f"{platform}/api/sandbox/v1", "LEVQOR_URL": platform, "LEVQOR_API_KEY": made.json()["key"]}


def run(command: list[str], code: str, folder: Path, sandbox: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """The code as a reader would run it, in a folder of its own."""
    return subprocess.run(
        [*command, code],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **sandbox},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_documentation_says_how_to_prepare() -> None:
    prepared = [part for part in our_guides()["overview"].snippets if part.language == "bash" and not part.runs]
    assert [part.code for part in prepared] == [PREPARED]
    others = [
        part for one in our_guides().values() for part in one.snippets if part.language == "bash" and not part.runs
    ]
    assert len(others) == 1, "what does not run would be shown untested"


@pytest.mark.parametrize("guide", our_guides().values(), ids=our_guides())
def test_each_guide(guide: Guide, sandbox: dict[str, str], tmp_path: Path) -> None:
    """The shell's snippets of a page follow one another in one shell, the others stand alone."""
    assert shutil.which("curl"), "the guides call with curl"
    shell = "\n".join(part.code for part in guide.snippets if part.runs and part.language == "bash")
    ended = run(PROGRAMS["bash"], shell, tmp_path, sandbox)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    for part in guide.snippets:
        if part.runs and part.language in PROGRAMS and part.language != "bash":
            ended = run(PROGRAMS[part.language], part.code, tmp_path, sandbox)
            assert ended.returncode == 0, f"{part.code}\n{ended.stdout}\n{ended.stderr}"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.slug)
def test_first_steps_by_curl(task: Task, sandbox: dict[str, str], tmp_path: Path) -> None:
    """(In Python and Node: tests/sdk, with the clients that were built.)"""
    code = next(code for language, _label, code in task.codes if language == "bash")
    ended = run(PROGRAMS["bash"], code, tmp_path, sandbox)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert json.loads(ended.stdout)
