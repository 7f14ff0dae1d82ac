"""Each client, installed as a user would, against a live platform."""

import pytest

from tests.sdk.clients import Client
from tests.sdk.conftest import Live
from tests.sdk.troubled_server import CUT, TroubledServer


def test_a_run_is_started_and_waited_for(client: Client, live: Live) -> None:
    seen = client.does("run_to_its_end", live.options, workflow="greeting", inputs={"who": "Ada"})
    assert seen["result"] == {
        "state": "succeeded",
        "output": "Hello Ada!",
        "priority": "high",
        "steps": ["say", "again"],
    }


def test_waiting_ends_in_time(client: Client, live: Live) -> None:
    [run] = client.does("start", live.options, workflow="asking", inputs={})["result"]
    seen = client.does("wait", live.options, run=run, timeout=1)
    assert (seen["error"], run in seen["said"]) == ("WaitTimeoutError", True)
    assert 1 <= seen["seconds"] < 5
    assert client.does("cancel_run", live.options, run=run)["result"] == "cancelled"
    assert client.does("wait", live.options, run=run, timeout=20)["result"] == "cancelled"


def test_every_page_of_a_list_is_read(client: Client, live: Live) -> None:
    before = client.does("list_runs", live.options, workflow="greeting")["result"]
    started = client.does("start", live.options, workflow="greeting", inputs={"who": "Bo"}, times=5)["result"]
    for limit in (2, 100):
        assert client.does("list_runs", live.options, workflow="greeting", limit=limit)["result"] == [
            *reversed(started),
            *before,
        ]
    assert client.does("list_runs", live.options, state="failed")["result"] == []


def test_the_other_lists_too(client: Client, live: Live) -> None:
    for name in ("first", "second"):
        seen = client.does("put_secret", live.options, name=name, value="hidden")
        assert seen.get("result") == name, seen
    refused = client.does("list_the_rest", live.options, workflow="greeting")
    assert refused["error"] == "ForbiddenError", "a key sees no keys: that takes a person's token"
    own = {**live.options, "api_key": live.platform.call("tests.sdk.actions:token")}
    seen = client.does("list_the_rest", own, workflow="greeting")["result"]
    assert seen["secrets"] == ["second", "first"]
    assert seen["versions"] == [1]
    assert {"asking", "greeting"} <= set(seen["workflows"])
    assert any(live.key.endswith(shown[-4:]) for shown in seen["keys"])


def test_a_key_starts_one_run(client: Client, live: Live) -> None:
    arguments = {"workflow": "greeting", "inputs": {"who": "Cy"}, "times": 2}
    first, second = client.does("start", live.options, key=f"order-{client.language}", **arguments)["result"]
    assert first == second
    first, second = client.does("start", live.options, **arguments)["result"]
    assert first != second, "two calls without a key of the caller's are two runs"
    reused = client.does(
        "start", live.options, key=f"order-{client.language}", workflow="greeting", inputs={"who": "D"}
    )
    assert (reused["error"], reused["code"]) == ("InvalidInputError", "idempotency_key_reused")


def test_an_answer_that_was_lost_starts_no_second_run(client: Client, live: Live) -> None:
    before = client.does("list_runs", live.options, workflow="greeting")["result"]
    with TroubledServer(behind=live.url) as between:
        between.will(CUT, CUT)
        options = {**live.options, "base_url": between.url}
        started = client.does("start", options, workflow="greeting", inputs={"who": "Eve"})["result"]
        assert len(between.seen) == 3
        assert len({seen.key for seen in between.seen}) == 1
    assert client.does("list_runs", live.options, workflow="greeting")["result"] == [*started, *before]


def test_credits_are_ordered_once_and_the_order_is_asked_for(client: Client, live: Live) -> None:
    with TroubledServer(behind=live.url) as between:
        between.will(CUT)
        seen = client.does("buy_credits", {**live.options, "base_url": between.url}, quantity=3)
        ordering = between.seen[:2]
    assert seen["result"] == {
        "same": True,
        "status": "open",
        "wish": ["credits_1000", 3, 3_000, 1_500, "USD"],
        "credits": None,
        "paid_at": None,
        "left": 0,
    }
    assert [one.path for one in ordering] == ["/api/v1/billing/purchase-credits"] * 2
    assert ordering[0].key == ordering[1].key is not None
    strange = client.does("get_order", live.options, order="order_01m7vv2xh0e14avfxr5vk977ya")
    assert (strange["error"], strange["code"]) == ("NotFoundError", "not_found")


def test_how_the_platform_does_is_told(client: Client, live: Live) -> None:
    health, components = client.does("public_metrics", live.options)["result"]
    assert health in ("healthy", "degraded", "down", "unknown")
    assert "api" in components


def test_refusals_are_typed(client: Client, live: Live) -> None:
    unknown = client.does("get_run", live.options, run="run_unknown")
    assert (unknown["error"], unknown["status"], unknown["code"]) == ("NotFoundError", 404, "not_found")
    assert unknown["request_id"]
    assert unknown["detail"] in unknown["said"]
    wrong = client.does("create_workflow", live.options, source="steps: 7")
    assert (wrong["error"], wrong["status"]) == ("InvalidInputError", 422)
    assert wrong["errors"][0]["message"]
    stranger = client.does("ping", {**live.options, "api_key": "lvq_live_nobodys"})
    assert (stranger["error"], stranger["status"]) == ("NotAuthenticatedError", 401)
    assert "lvq_live_nobodys" not in stranger["said"]


def test_the_limit_is_told_and_sat_out(client: Client, live: Live) -> None:
    live.platform.call("tests.sdk.actions:allow", per_minute=1)
    try:
        seen = [client.does("ping", {**live.options, "max_retries": 0}) for _time in range(3)]
        refused = next(answer for answer in seen if "error" in answer)
        assert (refused["error"], refused["status"]) == ("RateLimitedError", 429)
        assert 0 < refused["retry_after"] <= 60
    finally:
        live.platform.call("tests.sdk.actions:allow", per_minute=100_000)


@pytest.mark.parametrize("name", ["start_and_wait", "failed_runs"])
def test_the_examples_run(client: Client, live: Live, name: str) -> None:
    program = f"{name}.py" if client.language == "python" else f"{name.replace('_', '-')}.js"
    environment = {"LEVQOR_API_KEY": live.key, "LEVQOR_URL": live.url}
    workflow = f"plain-{client.language}"
    if name == "start_and_wait":
        source = f"name: {workflow}\nsteps: [{{id: one, type: transform, with: {{value: 1}}}}]"
        assert client.does("create_workflow", live.options, source=source)["result"] == workflow
    told = client.run(program, workflow, **environment)
    assert ("succeeded\n  one succeeded" if name == "start_and_wait" else "calls left") in told
