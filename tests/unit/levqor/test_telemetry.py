"""Errors and traces go to whoever the settings name, without secrets; for nobody, nothing is even imported."""

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.common.loopback import LoopbackServer, Received, answer
from tests.common.surroundings import bare_python
from tests.common.telling import SECRETS, WORDS

LOOK = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "levqor.settings.local"
import django
django.setup()
ours = ("sentry_sdk", "opentelemetry.sdk.trace", "opentelemetry.exporter", "opentelemetry.instrumentation")
print(sorted(name for name in ours if name in sys.modules))
"""


def run(code: list[str], folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    planted = {f"PLANTED_{name.upper()}": value for name, value in SECRETS.items()} | {"PLANTED_WORDS": WORDS}
    return bare_python(folder, *code, DEMO="false", **planted, **variables)


def test_nothing_is_imported_for_nobody(tmp_path: Path) -> None:
    found = run(["-c", LOOK], tmp_path)
    assert found.stdout.splitlines()[-1:] == ["[]"], found.stderr


class Told:
    """What a program told, and what it wrote itself."""

    def __init__(self, requests: list[Received], output: str) -> None:
        self.output = output
        self.events: list[dict[str, Any]] = []
        self.spans: list[Any] = []
        self.raw = ""
        for request in requests:
            body = gzip.decompress(request.body) if request.header("content-encoding") == "gzip" else request.body
            if request.path == "/v1/traces":
                read = ExportTraceServiceRequest.FromString(body)
                self.raw += str(read)
                self.spans += [s for group in read.resource_spans for scope in group.scope_spans for s in scope.spans]
            else:
                self.raw += body.decode()
                lines = body.decode().splitlines()
                self.events += [json.loads(line) for line in lines if '"event_id"' in line and '"platform"' in line]

    def event(self, **wanted: Any) -> dict[str, Any]:
        """The only event with these members."""
        found = [event for event in self.events if wanted.items() <= event.items()]
        assert len(found) == 1, [(event.get("logger"), event.get("transaction")) for event in self.events]
        return found[0]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The program of `tests.common.telling`, run once."""
    server = LoopbackServer()
    server.script = lambda _request: answer(200, b"{}")
    found = run(
        ["-m", "tests.common.telling"],
        tmp_path_factory.mktemp("telling"),
        SENTRY_DSN=f"http://publickey@127.0.0.1:{server.port}/1",
        SENTRY_TRACES_SAMPLE_RATE="1",
        OTEL_EXPORTER_OTLP_ENDPOINT=server.url,
        LOG_FORMAT="json",
    )
    server.stop()
    assert found.returncode == 0, found.stderr
    return Told(server.requests, found.stdout + found.stderr)


def test_a_request_that_breaks_is_told_by_its_route(told: Told) -> None:
    event = told.event(transaction="/broken/{token}/", level="error")
    assert event["tags"]["request_id"] == "req-of-the-test"
    assert event["request"] == {"method": "GET"}
    assert "user" not in event
    assert (event["environment"], event["release"][:7]) == ("local", "levqor@")
    assert event["exception"]["values"][-1]["type"] == "ValueError"


def test_a_task_that_breaks_is_told(told: Told) -> None:
    event = told.event(transaction="tests.broken", level="error")
    assert event["exception"]["values"][-1]["type"] == "RuntimeError"


def test_an_entry_of_the_log_keeps_its_name_its_members_and_its_error(told: Told) -> None:
    event = told.event(logger="apps.tried")
    assert event["logentry"]["message"] == "it_broke"
    assert event["exception"]["values"][-1]["type"] == "KeyError"
    assert {"run": "run_1", "step": "call", "job": "weekly_pulse"}.items() <= event["tags"].items()
    assert event["extra"]["levqor"]["api_key"] == "[removed]"
    assert "about_to_break" in [crumb["message"] for crumb in event["breadcrumbs"]["values"]]
    assert told.event(logger="library")["logentry"]["message"] == "refused: %s"


def test_requests_and_tasks_are_traced(told: Told) -> None:
    spans = {span.name: span for span in told.spans}
    assert {"GET broken/<token>/", "GET well/<token>/", "run/tests.broken", "run/tests.well"} <= spans.keys()
    well = {item.key: item.value for item in spans["GET well/<token>/"].attributes}
    assert well["http.route"].string_value == "well/<token>/"
    assert well["levqor.request_id"].string_value == "req-of-the-test"
    assert spans["run/tests.broken"].status.code == 2


def test_no_secret_is_told(told: Told) -> None:
    places = {"told": told.raw, "log": told.output}
    assert "Traceback" in told.output
    for place, text in places.items():
        assert not [name for name, secret in SECRETS.items() if secret in text], place


def test_probes_and_strangers_are_answered_as_ever(told: Told) -> None:
    assert told.output.splitlines()[:6] == [
        "broken 500",
        "well 200",
        "healthz 200",
        "well 404",
        "healthz 200",
        "well 404",
    ]
