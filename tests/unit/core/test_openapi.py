"""What operations of the OpenAPI document have in common is true of each."""

import inspect

from apps.core.api import document
from apps.core.openapi import REFUSALS, add_problems
from apps.core.problems import CONTENT_TYPE
from tests.common.routes import PARAMETER, views


def test_whoever_honours_an_idempotency_key_says_so():
    honouring = {
        ("/" + PARAMETER.sub(r"{\1}", pattern), method.lower())
        for pattern, view in views()
        for method in view.http_method_names
        if hasattr(view, method) and "self.once(" in inspect.getsource(getattr(view, method))
    }
    telling = {
        (path, method)
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
        if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))
    }
    assert telling == honouring
    assert ("/api/v1/billing/purchase-credits", "post") in telling


def test_every_refusal_is_a_problem():
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            assert set(answers) >= set(REFUSALS), (method, path)
            for status in answers:
                if int(status) >= 400:
                    assert list(answers[status]["content"]) == [CONTENT_TYPE], (method, path, status)
                    assert answers[status]["description"], (method, path, status)


def test_what_an_operation_says_of_its_refusals_stays():
    own = {"responses": {"200": {"description": ""}, "409": {"description": "mine"}, "503": {"description": "too"}}}
    made = add_problems({"components": {}, "paths": {"/x": {"get": own}}}, None, None, public=True)
    answers = made["paths"]["/x"]["get"]["responses"]
    assert {status: answers[status]["description"] for status in ("409", "503")} == {"409": "mine", "503": "too"}
    assert answers["404"]["description"] == REFUSALS["404"]
    assert [status for status in answers if "content" not in answers[status]] == ["200"]
