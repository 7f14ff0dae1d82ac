"""How every generated operation calls the API: with a key where it takes one, again where that is safe."""

from __future__ import annotations

import platform
import time
import uuid
from typing import Any

import urllib3

from levqor_sdk import _retries
from levqor_sdk._built import IDEMPOTENT, VERSION
from levqor_sdk.errors import ConnectionFailedError, UnexpectedAnswerError, problem_in, refusal
from levqor_sdk.generated.api_client import ApiClient
from levqor_sdk.generated.configuration import Configuration
from levqor_sdk.generated.exceptions import OpenApiException

KEY = "Idempotency-Key"
# Nothing is followed or repeated below us: a redirect would carry the credential to wherever it leads.
AS_IT_IS = urllib3.Retry(total=0, connect=0, read=0, redirect=0, status=0, other=0, raise_on_redirect=False)


class Transport(ApiClient):
    """The generated client with retries, idempotency keys and our errors."""

    def __init__(self, api_key: str, base_url: str, timeout: float, max_retries: int) -> None:
        super().__init__(Configuration(host=base_url, access_token=api_key, retries=AS_IT_IS))
        self.user_agent = f"levqor-sdk-python/{VERSION} (Python {platform.python_version()})"
        self.timeout = timeout
        self._max_retries = max_retries
        self._in_sandbox = api_key.startswith("lvq_test_")

    def param_serialize(self, method: str, resource_path: str, *args: Any, **kwargs: Any) -> Any:
        """The request's parts. One key for each logical call: whatever is repeated below is the same request."""
        if (method, resource_path) in IDEMPOTENT:
            kwargs["header_params"] = {KEY: str(uuid.uuid4()), **(kwargs.get("header_params") or {})}
        if self._in_sandbox:
            resource_path = resource_path.replace("/api/v1/", "/api/sandbox/v1/", 1)
        return super().param_serialize(method, resource_path, *args, **kwargs)

    def call_api(
        self,
        method: str,
        url: str,
        header_params: Any = None,
        body: Any = None,
        post_params: Any = None,
        _request_timeout: Any = None,
    ) -> Any:
        """The answer. Raises `ConnectionFailedError` when none comes."""
        left = self._max_retries if _retries.is_safe(method, KEY in (header_params or {})) else 0
        attempt = 0
        while True:
            answer, failure, told = None, None, None
            try:
                answer = self.rest_client.request(
                    method,
                    url,
                    headers=header_params,
                    body=body,
                    post_params=post_params,
                    _request_timeout=_request_timeout or self.timeout,
                )
                answer.read()
            except urllib3.exceptions.HTTPError as error:
                failure = error
            except OpenApiException as error:  # TLS refused: no other attempt will end otherwise
                raise ConnectionFailedError(f"{method} {url}: {error}") from error
            if answer is not None and failure is None:
                code = problem_in(answer.data).get("code", "") if answer.status == 409 else ""
                if not _retries.is_passing(answer.status, code):
                    return answer
                told = _retries.retry_after(answer.headers.get("Retry-After"))
            wait = _retries.pause(attempt, told) if attempt < left else None
            if wait is None:
                if failure is None:
                    return answer
                raise ConnectionFailedError(
                    f"{method} {url}: {getattr(failure, 'reason', None) or failure}"
                ) from failure
            time.sleep(wait)
            attempt += 1

    def response_deserialize(self, response_data: Any, response_types_map: Any = None) -> Any:
        """The answer's model. Raises `ApiError` for a refusal, `UnexpectedAnswerError` for what is none of ours."""
        if not 200 <= response_data.status <= 299:
            raise refusal(response_data.status, response_data.headers, response_data.data)
        try:
            return super().response_deserialize(response_data, response_types_map)
        except (OpenApiException, ValueError) as error:
            raise UnexpectedAnswerError(f"The answer ({response_data.status}) has another form: {error}") from error
