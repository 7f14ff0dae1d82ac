"""One platform for each setup, made once: embedded (SQLite, files as queue) and services (PostgreSQL, Redis)."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.common.counting_server import CountingServer
from tests.common.platform import Platform, RedisServer, running_platform
from tests.common.processes import free_port
from tests.faults import workflows


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has a platform of its own comes first: it mostly waits, and the others have enough to do meanwhile. pytest
    puts it last, where half of the machine has nothing to do. Of each platform's tests the longest come first."""

    def place(item: pytest.Item) -> tuple[str, float]:
        call, longest = getattr(item, "callspec", None), item.get_closest_marker("timeout")
        return call.params.get("patient", "") if call else "", -longest.args[0] if longest else 0

    items.sort(key=place)


@dataclass(frozen=True)
class Patient:
    """A platform to be hurt, and the endpoint that its workflows call."""

    name: str
    platform: Platform
    server: CountingServer
    redis: RedisServer | None

    def ask(self, action: str, **arguments: object) -> object:
        """Run one of `tests.faults.actions`."""
        return self.platform.call(f"tests.faults.actions:{action}", **arguments)


@pytest.fixture(scope="session", params=["embedded", "services"])
def patient(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    """A platform with its workflows published and no process running."""
    folder = tmp_path_factory.mktemp(request.param)
    with CountingServer() as server:
        settings = {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "OUTBOUND_ALLOWED_HOSTS": server.host,
            "STRIPE_FAKE_PORT": str(free_port()),
        }
        with running_platform(folder, services=request.param == "services", **settings) as (platform, redis):
            patient = Patient(request.param, platform, server, redis)
            patient.ask("publish", sources=workflows.sources(server.url))
            yield patient


@pytest.fixture(autouse=True)
def _no_process_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test ends what it started, also when it fails; its logs are shown then."""
    yield
    if "patient" in request.fixturenames:
        patient: Patient = request.getfixturevalue("patient")
        for program in patient.platform.programs.values():
            program.stop()
        patient.platform.programs.clear()
        patient.server.release()
