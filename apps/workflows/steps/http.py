"""`http`: one call to the outside, through the guarded client."""

from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from apps.core import http
from apps.core.clock import now
from apps.core.kinds import StepType
from apps.workflows import limits
from apps.workflows.engine.contract import StepCall, StepFailure

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
TRANSIENT_STATUSES = {408, 425, 429, 500, 502, 503, 504}

SCHEMA = {
    "type": "object",
    "properties": {
        "method": {"enum": ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]},
        "url": {"type": "string", "minLength": 1, "maxLength": 4000, "description": "an http or https address"},
        "headers": {
            "type": "object",
            "maxProperties": 50,
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        },
        "query": {
            "type": "object",
            "maxProperties": 100,
            "additionalProperties": {"type": ["string", "number", "boolean", "array", "null"]},
        },
        "json": {"description": "sent as application/json"},
        "body": {"type": "string", "maxLength": limits.INPUT_BYTES, "description": "sent as it is"},
        "expect": {
            "type": "array",
            "items": {"type": "integer", "minimum": 100, "maximum": 599},
            "minItems": 1,
            "maxItems": 50,
            "description": "statuses that count as success; 200 to 299 when left out",
        },
        "follow_redirects": {"type": "boolean"},
    },
    "required": ["url"],
    "additionalProperties": False,
}


def run(call: StepCall) -> dict[str, Any]:
    """Make the call. Output: {status, headers, body, elapsed_ms}; a JSON body is parsed."""
    config = call.config
    method = config.get("method", "GET")
    if "json" in config and "body" in config:
        raise StepFailure("invalid_step_input", "A call has either “json” or “body”.")
    headers = {name: _text(value) for name, value in config.get("headers", {}).items()}
    if method not in SAFE_METHODS and not any(name.lower() == "idempotency-key" for name in headers):
        headers["Idempotency-Key"] = call.idempotency_key
    extra: dict[str, Any] = {}
    if "json" in config:
        extra["json"] = config["json"]
    if "body" in config:
        extra["content"] = config["body"].encode()
    try:
        response = http.request(
            method,
            config["url"],
            headers=headers,
            params=_params(config.get("query", {})),
            timeout=min(call.timeout, limits.STEP_TIMEOUT).total_seconds(),
            max_bytes=limits.OUTPUT_BYTES,
            follow_redirects=config.get("follow_redirects", True),
            **extra,
        )
    except http.GuardedHttpError as error:
        raise StepFailure(error.code, str(error.detail), transient=error.transient) from error
    return _judge(response, config)


def mock(call: StepCall) -> dict[str, Any]:
    """What stands for the call in a sandbox. Output as of `run`; the body says what would have been called."""
    config = call.config
    expected = config.get("expect")
    return {
        "status": expected[0] if expected else 200,
        "headers": {"content-type": "application/json"},
        "body": {"mock": True, "method": config.get("method", "GET"), "url": config["url"]},
        "elapsed_ms": 0,
    }


def _judge(response: http.Response, config: Any) -> dict[str, Any]:
    output = {
        "status": response.status,
        "headers": dict(response.headers),
        "body": _body(response),
        "elapsed_ms": response.elapsed_ms,
    }
    expected = config.get("expect")
    if response.status in expected if expected else 200 <= response.status < 300:
        return output
    host = urlsplit(config["url"]).hostname or ""
    raise StepFailure(
        "unexpected_status",
        f"{host} answered {response.status}.",
        transient=response.status in TRANSIENT_STATUSES,
        retry_after=http.retry_after_seconds(response, now()),
        details=output,
    )


def _body(response: http.Response) -> Any:
    kind = next((value for name, value in response.headers.items() if name.lower() == "content-type"), "")
    if "json" in kind.lower() and response.body:
        try:
            return response.json()
        except http.HttpFailureError:  # it says that it is JSON and is not: the status still counts
            return response.text()
    return response.text()


def _params(query: Any) -> dict[str, list[str]]:
    lists = {name: value if isinstance(value, list) else [value] for name, value in query.items()}
    return {name: [_text(item) for item in items if item is not None] for name, items in lists.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


HTTP = StepType(name="http", label=_("HTTP call"), schema=SCHEMA, run=run, effect="outside", mock=mock)
