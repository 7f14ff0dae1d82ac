"""What operations of the OpenAPI document have in common: the ways in which they refuse, `Idempotency-Key`, secrets."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from apps.core.problems import CONTENT_TYPE

PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `type` leads to a page on the kind of problem; `code`, which may say more, is stable; "
    "`errors`, where present, says where the input is wrong.",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    },
    "required": ["type", "title", "status", "detail", "code", "instance", "request_id"],
    "additionalProperties": True,
}
REFUSALS = {
    "400": "The request is malformed.",
    "401": "Nobody is signed in, or the token is not valid (any more).",
    "403": "The role does not allow this.",
    "404": "No such thing, or not for this organization.",
    "409": "The present state forbids it.",
    "413": "The body is too large.",
    "415": "The body is no JSON.",
    "422": "The values do not fit; `errors` says where.",
    "429": "Too many requests; `Retry-After` says how long to wait.",
}
FIRST_REFUSED = 400
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description=(
        "1 to 255 printable characters that you choose for this one request, to repeat it without fear when no answer "
        "came. For 24 hours, the same request with the same key happens once: a repetition gets the first answer, "
        "marked `Idempotent-Replayed: true`. Another request with the key is refused (422, `idempotency_key_reused`), "
        "and so is a repetition while the first is under way (409, `idempotency_key_in_use`, with `Retry-After`). "
        "A request that was refused frees its key. After 24 hours the key stands for a new request."
    ),
)


def refusals(told: Mapping[int, str]) -> dict[int, OpenApiResponse]:
    """Answers of an operation that says more of how it refuses, by status, than all do: which codes, and why."""
    return {status: OpenApiResponse(description=text) for status, text in told.items()}


class SecretTextField(serializers.CharField):
    """A secret: what is made from the document (clients, pages) keeps it out of sight."""


class SecretTextExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call] # the package is partly typed
    """Tells the OpenAPI document that a text is a secret."""

    target_class = SecretTextField

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """The text's schema, with the format of secrets."""
        text: dict[str, Any] = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)
        return {**text, "format": "password"}


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's hook: give every operation the same refusals, and its own, as problem documents."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                answers = operation["responses"]
                for status, description in REFUSALS.items():
                    answers.setdefault(status, {"description": description})
                for status, answer in answers.items():
                    if int(status) >= FIRST_REFUSED:
                        answer["content"] = content
                operation["responses"] = dict(sorted(answers.items()))
    return result
