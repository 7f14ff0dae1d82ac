"""What was built, both clients, a live platform (embedded: SQLite, files as queue), and a server in trouble."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from levqor.env import ROOT
from tests.common.platform import Platform, running_platform
from tests.common.processes import eventually
from tests.sdk.clients import Client, python_client, typescript_client
from tests.sdk.troubled_server import TroubledServer

KEY = "lvq_live_nobodys"
SOURCES = {
    "greeting": """
name: Greeting
inputs: {type: object, properties: {who: {type: string}}, required: [who]}
steps:
  - {id: say, type: transform, with: {value: "Hello {{ inputs.who }}"}}
  - {id: again, type: transform, with: {value: "{{ steps.say.output }}!"}}
output: "{{ steps.again.output }}"
""",
    "asking": "name: Asking\nsteps: [{id: ask, type: approval, with: {message: go?}}]",
}


@dataclass(frozen=True)
class Live:
    """The platform with its web process and a worker."""

    platform: Platform
    url: str
    key: str

    @property
    def options(self) -> dict[str, Any]:
        return {"api_key": self.key, "base_url": self.url}


@pytest.fixture(scope="session")
def built() -> Path:
    """Where `make sdk` put what it built."""
    folder = Path(os.environ.get("SDK_FOLDER", ROOT / "var" / "sdk"))
    assert list(folder.glob("*.whl")), f"nothing was built in {folder}: make sdk"
    return folder


@pytest.fixture(scope="session", params=[python_client, typescript_client], ids=["python", "typescript"])
def client(request: pytest.FixtureRequest, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Each client in turn."""
    made: Client = request.param(built, tmp_path_factory.mktemp("client"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One platform for all tests."""
    with running_platform(tmp_path_factory.mktemp("platform"), services=False) as (platform, _redis):
        key = platform.call("tests.sdk.actions:prepare", sources=SOURCES)
        web, worker = platform.web().start(), platform.worker().start()
        url = f"http://127.0.0.1:{platform.environment['PORT']}"
        worker.wait_until(" ready.")
        eventually(lambda: _answers(url), 60, f"the web process answers:\n{web.tail()}")
        yield Live(platform, url, key)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def trouble() -> Iterator[TroubledServer]:
    """A server that does what the test says."""
    with TroubledServer() as server:
        yield server


@pytest.fixture
def alone(trouble: TroubledServer) -> dict[str, Any]:
    """A client's options for the server in trouble."""
    return {"api_key": KEY, "base_url": trouble.url}
