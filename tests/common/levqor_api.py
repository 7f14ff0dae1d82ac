"""A stand-in for Levqor's API, with state, for tests of the terminal: `FakeLevqor()(request)` answers one request.

It keeps to the contract of `/api/v1/`: list pages with cursors, problem documents, rotating refresh tokens whose
reuse ends the login, idempotency keys, and runs whose events come in scripted beats.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx

BASE = "http://127.0.0.1:8000"
NOW = "2026-11-20T09:00:00Z"

BODIES = {"trigger_data", "inputs", "input", "output", "attempts"}

Handler = Callable[..., httpx.Response]


def problem(status: int, code: str, detail: str, **more: Any) -> httpx.Response:
    """A problem document (RFC 9457) as the platform sends it."""
    document = {
        "type": f"/problems/{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": "req_test",
        **more,
    }
    return httpx.Response(
        status,
        content=json.dumps(document).encode(),
        headers={"content-type": "application/problem+json", "x-request-id": "req_test"},
    )


def run_document(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A run as `GET /runs/{id}` gives it."""
    document = {
        "id": f"run_{number:026d}",
        "workflow": {"id": "wf_1", "name": "Order intake", "slug": "order-intake"},
        "version": 1,
        "state": "queued",
        "trigger": "api",
        "trigger_data": {},
        "inputs": {},
        "output": None,
        "error": None,
        "priority": "normal",
        "created_at": NOW,
        "started_at": None,
        "finished_at": None,
        "duration_ms": None,
        "revision": 0,
        "livemode": True,
    }
    return {**document, **changes}


def step_document(path: str, state: str = "pending", **changes: Any) -> dict[str, Any]:
    """A step as `GET /runs/{id}/steps/{step}` gives it."""
    document = {
        "id": f"step_{path}",
        "path": path,
        "name": "",
        "type": "http",
        "state": state,
        "attempt": 1,
        "input": None,
        "output": None,
        "error": None,
        "started_at": None,
        "finished_at": None,
        "due_at": None,
        "duration_ms": None,
        "attempts": [],
        "waiting_for": "",
        "approval": None,
    }
    return {**document, **changes}


def summary(document: dict[str, Any]) -> dict[str, Any]:
    """A run or a step as lists and events give it: without what went in and came out."""
    return {name: value for name, value in document.items() if name not in BODIES}


class FakeLevqor:
    """The server. Tests set its state and read `requests` afterwards."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.failures: list[httpx.Response | Exception] = []
        self.access = {"access-0"}
        self.refresh = "refresh-0"
        self.generation = 0
        self.revoked: list[str] = []
        self.device_answers: list[httpx.Response] = []
        self.workflows: dict[str, dict[str, Any]] = {}
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.invalid: list[dict[str, Any]] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.steps: dict[str, dict[str, dict[str, Any]]] = {}
        self.beats: list[list[dict[str, Any]] | httpx.Response | Exception] = []
        self.secrets: dict[str, str] = {}
        self.decisions: list[dict[str, Any]] = []
        self.answers: dict[str, httpx.Response] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        path = request.url.path.removeprefix("/api/v1")
        for method, pattern, handler, is_open in self._routes():
            match = re.fullmatch(pattern, path)
            if match is None or method != request.method:
                continue
            if not is_open and request.headers.get("authorization", "").removeprefix("Bearer ") not in self.access:
                return problem(401, "not_authenticated", "The access token is missing or has expired.")
            key = request.headers.get("idempotency-key", "")
            if key and key in self.answers:
                return self.answers[key]
            body = json.loads(request.content) if request.content else {}
            response = handler(*match.groups(), **({"body": body} if method in {"POST", "PUT"} else {}))
            if key:
                self.answers[key] = response
            return response
        return problem(404, "not_found", "There is nothing here.")

    def calls(self, method: str, path: str) -> list[httpx.Request]:
        """The requests made to `path` below `/api/v1`."""
        return [call for call in self.requests if call.method == method and call.url.path == f"/api/v1{path}"]

    def add_workflow(self, slug: str, *sources: str, name: str = "") -> None:
        """A workflow with one version per source."""
        self.workflows[slug] = {
            "id": f"wf_{slug}",
            "name": name or slug.replace("-", " ").capitalize(),
            "slug": slug,
            "updated_at": NOW,
        }
        self.versions[slug] = []
        for source in sources:
            self._add_version(slug, source)

    def add_run(self, run: dict[str, Any], *steps: dict[str, Any]) -> str:
        """A run with its steps; returns its id."""
        self.runs[run["id"]] = run
        self.steps[run["id"]] = {step["id"]: step for step in steps}
        return str(run["id"])

    def _routes(self) -> list[tuple[str, str, Handler, bool]]:
        return [
            ("POST", "/auth/device", self._device, True),
            ("POST", "/auth/device/token", self._device_token, True),
            ("POST", "/auth/token/refresh", self._refresh, True),
            ("POST", "/auth/token/revoke", self._revoke, True),
            ("GET", "/me", self._me, False),
            ("POST", "/workflows/validate", self._validate, False),
            ("GET", "/workflows", lambda: self._page(list(self.workflows.values())), False),
            ("POST", "/workflows", self._create, False),
            ("GET", "/workflows/([^/]+)", self._workflow, False),
            ("GET", "/workflows/([^/]+)/versions", self._list_versions, False),
            ("POST", "/workflows/([^/]+)/versions", self._publish, False),
            ("GET", "/workflows/([^/]+)/versions/([0-9]+)", self._version, False),
            ("POST", "/workflows/([^/]+)/runs", self._start, False),
            ("GET", "/runs", self._list_runs, False),
            ("GET", "/runs/([^/]+)", self._run, False),
            ("GET", "/runs/([^/]+)/steps", self._list_steps, False),
            ("GET", "/runs/([^/]+)/steps/([^/]+)", self._step, False),
            ("GET", "/runs/([^/]+)/events", self._events, False),
            ("POST", "/runs/([^/]+)/cancel", self._cancel, False),
            ("POST", "/runs/([^/]+)/steps/([^/]+)/approve", self._decide, False),
            (
                "GET",
                "/secrets",
                lambda: self._page([{"name": name, "updated_at": NOW} for name in self.secrets]),
                False,
            ),
            ("PUT", "/secrets/([^/]+)", self._set_secret, False),
            ("DELETE", "/secrets/([^/]+)", self._delete_secret, False),
        ]

    def _page(self, entries: list[dict[str, Any]]) -> httpx.Response:
        query = self.requests[-1].url.params
        start, limit = int(query.get("cursor", "0")), int(query.get("limit", "50"))
        rest = len(entries) > start + limit
        return httpx.Response(
            200,
            json={
                "data": entries[start : start + limit],
                "next_cursor": str(start + limit) if rest else None,
                "has_more": rest,
            },
        )

    def _tokens(self) -> httpx.Response:
        self.generation += 1
        self.refresh = f"refresh-{self.generation}"
        self.access = {f"access-{self.generation}"}
        return httpx.Response(
            200, json={"access": f"access-{self.generation}", "refresh": self.refresh, "expires_in": 900}
        )

    def _device(self, body: dict[str, Any]) -> httpx.Response:
        assert body["client_name"]
        return httpx.Response(
            200,
            json={
                "device_code": "device-secret",
                "user_code": "WDJB-MJHT",
                "verification_uri": f"{BASE}/device/",
                "verification_uri_complete": f"{BASE}/device/?code=WDJB-MJHT",
                "expires_in": 600,
                "interval": 5,
            },
        )

    def _device_token(self, body: dict[str, Any]) -> httpx.Response:
        assert body == {"device_code": "device-secret"}
        return self.device_answers.pop(0) if self.device_answers else self._tokens()

    def _refresh(self, body: dict[str, Any]) -> httpx.Response:
        if body["refresh"] != self.refresh:
            self.access, self.refresh = set(), ""  # reuse: the whole family ends
            return problem(401, "token_reused", "This refresh token has been used before.")
        return self._tokens()

    def _revoke(self, body: dict[str, Any]) -> httpx.Response:
        self.revoked.append(body["refresh"])
        return httpx.Response(204)

    def _me(self) -> httpx.Response:
        return httpx.Response(
            200,
            json={
                "user": {"id": "usr_1", "email": "owner@example.com"},
                "organization": {"id": "org_1", "name": "Example Ltd", "slug": "example"},
                "role": "owner",
            },
        )

    def _validate(self, body: dict[str, Any]) -> httpx.Response:
        assert body["source"]
        return httpx.Response(200, json={"valid": not self.invalid, "errors": self.invalid, "definition": None})

    def _create(self, body: dict[str, Any]) -> httpx.Response:
        match = re.search(r"^name: *(.+)$", body["source"], re.MULTILINE)
        assert match is not None
        slug = re.sub(r"[^a-z0-9]+", "-", match[1].strip().lower()).strip("-")
        self.add_workflow(slug, body["source"], name=match[1].strip())
        return httpx.Response(201, json=self.workflows[slug])

    def _workflow(self, slug: str) -> httpx.Response:
        if slug not in self.workflows:
            return problem(404, "not_found", f"There is no workflow {slug}.")
        return httpx.Response(200, json=self.workflows[slug])

    def _list_versions(self, slug: str) -> httpx.Response:
        if slug not in self.workflows:
            return self._workflow(slug)
        return self._page(self.versions[slug][::-1])

    def _version(self, slug: str, number: str) -> httpx.Response:
        for version in self.versions.get(slug, []):
            if version["number"] == int(number):
                return httpx.Response(200, json=version)
        return problem(404, "not_found", f"There is no version {number} of {slug}.")

    def _add_version(self, slug: str, source: str, message: str = "") -> dict[str, Any]:
        number = len(self.versions[slug]) + 1
        version = {"id": f"wfv_{number}", "number": number, "source": source, "message": message, "created_at": NOW}
        self.versions[slug].append(version)
        self.workflows[slug]["version"] = number
        return version

    def _publish(self, slug: str, body: dict[str, Any]) -> httpx.Response:
        return httpx.Response(201, json=self._add_version(slug, body["source"], body.get("message", "")))

    def _start(self, slug: str, body: dict[str, Any]) -> httpx.Response:
        if slug not in self.workflows:
            return self._workflow(slug)
        run = run_document(
            len(self.runs) + 1, inputs=body["inputs"], version=body.get("version", len(self.versions[slug]))
        )
        run["priority"] = body.get("priority", "normal")
        self.add_run(run)
        return httpx.Response(201, json=run)

    def _list_runs(self) -> httpx.Response:
        query = self.requests[-1].url.params
        return self._page(
            [
                summary(run)
                for run in reversed(self.runs.values())
                if query.get("state", run["state"]) == run["state"]
                and query.get("workflow", run["workflow"]["slug"]) == run["workflow"]["slug"]
            ]
        )

    def _run(self, run_id: str) -> httpx.Response:
        if run_id not in self.runs:
            return problem(404, "not_found", f"There is no run {run_id}.")
        return httpx.Response(200, json=self.runs[run_id])

    def _list_steps(self, run_id: str) -> httpx.Response:
        steps = sorted(self.steps[run_id].values(), key=lambda step: str(step["id"]), reverse=True)
        return self._page([summary(step) for step in steps])

    def _step(self, run_id: str, step_id: str) -> httpx.Response:
        return httpx.Response(200, json=self.steps[run_id][step_id])

    def _events(self, run_id: str) -> httpx.Response:
        beat = self.beats.pop(0) if self.beats else []
        if isinstance(beat, Exception):
            raise beat
        if isinstance(beat, httpx.Response):
            return beat
        run = self.runs[run_id]
        for data in beat:
            if data["id"] == run_id:
                run.update(data)
            else:
                self.steps[run_id][data["id"]] = data
        run["revision"] += len(beat)
        events = [
            {"revision": run["revision"], "type": "run" if data["id"] == run_id else "step", "data": summary(data)}
            for data in beat
        ]
        finished = run["state"] in {"succeeded", "failed", "cancelled"}
        return httpx.Response(200, json={"events": events, "revision": run["revision"], "finished": finished})

    def _cancel(self, run_id: str, body: dict[str, Any]) -> httpx.Response:
        assert body == {}
        if self.runs[run_id]["state"] == "succeeded":
            return problem(409, "run_finished", "The run has already ended.")
        busy = self.runs[run_id]["state"] == "running"  # a step under way ends first
        self.runs[run_id].update({"cancel_requested": True} if busy else {"state": "cancelled"})
        return self._run(run_id)

    def _decide(self, run_id: str, step_id: str, body: dict[str, Any]) -> httpx.Response:
        self.decisions.append({"run": run_id, "step": step_id, **body})
        return httpx.Response(200, json=self.steps[run_id][step_id])

    def _set_secret(self, name: str, body: dict[str, Any]) -> httpx.Response:
        self.secrets[name] = body["value"]
        return httpx.Response(200, json={"name": name})

    def _delete_secret(self, name: str) -> httpx.Response:
        if name not in self.secrets:
            return problem(404, "not_found", f"There is no secret {name}.")
        del self.secrets[name]
        return httpx.Response(204)
