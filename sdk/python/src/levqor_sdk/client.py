"""Where everything begins."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from levqor_sdk._built import BASE_URL
from levqor_sdk._resources import Keys, Notifications, Runs, Secrets, Workflows
from levqor_sdk._transport import Transport
from levqor_sdk.errors import LevqorError
from levqor_sdk.generated.api.account_api import AccountApi
from levqor_sdk.generated.api.billing_api import BillingApi
from levqor_sdk.generated.api.schemas_api import SchemasApi
from levqor_sdk.generated.api.status_api import StatusApi
from levqor_sdk.generated.api.usage_api import UsageApi


class Levqor:
    """The API of one organization, or with a sandbox key its sandbox. Thread-safe; make one and keep it.

    `api_key` (else `LEVQOR_API_KEY`) is an API key or an access token, `base_url` (else `LEVQOR_URL`) the platform's
    address, `timeout` the seconds for one attempt, `max_retries` how often a call that may be repeated is tried again.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 4,
    ) -> None:
        api_key = (api_key or os.environ.get("LEVQOR_API_KEY") or "").strip()
        if not api_key:
            raise LevqorError("Give an api_key, or set LEVQOR_API_KEY.")
        self.base_url = (base_url or os.environ.get("LEVQOR_URL") or BASE_URL).rstrip("/")
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise LevqorError("base_url is an address such as https://levqor.example.com")
        transport = Transport(api_key, self.base_url, float(timeout), max_retries)
        self.account = AccountApi(transport)
        self.billing = BillingApi(transport)
        self.keys = Keys(transport)
        self.notifications = Notifications(transport)
        self.runs = Runs(transport)
        self.schemas = SchemasApi(transport)
        self.secrets = Secrets(transport)
        self.status = StatusApi(transport)
        self.usage = UsageApi(transport)
        self.workflows = Workflows(transport)

    def __repr__(self) -> str:
        return f"Levqor(base_url={self.base_url!r})"
