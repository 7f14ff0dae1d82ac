"""Every setting that comes from outside: the environment, then `.env`, then the defaults here.

`.env.example` documents each one. A bad or unknown setting ends the process with one clear line, so that a
typing mistake never becomes a silent default. `LEVQOR_ENV_FILE` names another file than `.env`, or, empty, none.
"""

import os
import re
import sys
from base64 import b64decode
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

import dj_database_url
from cryptography.fernet import Fernet
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
ENV_FILE = "LEVQOR_ENV_FILE"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
NEEDED_IN_PRODUCTION = ("SECRET_KEY", "ENCRYPTION_KEYS", "ALLOWED_HOSTS", "SITE_URL")
STRIPE_KEY = re.compile(r"(sk|rk)_(test|live)_[A-Za-z0-9]{24,247}")
STRIPE_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{24,250}")
# Kinds of address that apps.notifications.channels delivers to.
ALERT_SCHEMES = frozenset(
    {"mailto", "http", "https", "json", "jsons", "tgram", "slack", "discord", "workflows", "gchat", "pover", "opsgenie"}
    | {"pagerduty", "ntfy", "ntfys", "mmost", "mmosts", "rocket", "rockets", "gotify", "gotifys"}
)
NOTION_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,200}")
NOTION_ID = re.compile(r"(?:^|[/-])([0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})(?:[?#].*)?$")
CommaList = Annotated[list[str], NoDecode]


class Environment(BaseSettings):
    """The settings of this installation, typed and checked."""

    model_config = SettingsConfigDict(extra="forbid", env_ignore_empty=True, case_sensitive=True)

    LEVQOR_ENV: Literal["local", "production"] = "local"
    LEVQOR_VAR: Path = ROOT / "var"
    SECRET_KEY: str = ""
    ENCRYPTION_KEYS: CommaList = Field(default_factory=list)

    HOST: str = "127.0.0.1"
    PORT: int = Field(default=8000, ge=1, le=65535)
    SITE_URL: str = ""
    ALLOWED_HOSTS: CommaList = Field(default_factory=list)
    PROXY_HOPS: int | None = Field(default=None, ge=0, le=5)

    DATABASE_URL: str = ""
    REDIS_URL: str = ""

    WEB_WORKERS: int = Field(default=1, ge=1, le=64)
    WEB_THREADS: int = Field(default=8, ge=1, le=256)
    WORKER_POOL: Literal["threads", "prefork", "solo"] = "threads"
    WORKER_CONCURRENCY: int = Field(default=16, ge=1, le=256)
    ORGANIZATION_CONCURRENCY: int = Field(default=8, ge=1, le=4096)

    MAIL_TRANSPORT: Literal["file", "console", "resend"] = "file"
    MAIL_FROM: str = "Levqor <no-reply@localhost>"
    SUPPORT_EMAIL: str = "support@localhost"
    RESEND_API_KEY: str = ""
    RESEND_WEBHOOK_SECRET: str = ""

    ALERT_URLS: CommaList = Field(default_factory=list)
    WATCHDOG_SECONDS: float = Field(default=15, ge=1, le=300)
    WATCHDOG_WEB_URL: str = ""

    STRIPE_API_KEY: str = ""
    STRIPE_WEBHOOK_SECRET: CommaList = Field(default_factory=list)
    STRIPE_TAX: bool = False
    STRIPE_API_URL: str = ""
    STRIPE_FAKE_PORT: int | None = Field(default=None, ge=1, le=65535)

    NOTION_TOKEN: str = ""
    NOTION_PARENT_PAGE: str = ""
    NOTION_API_URL: str = ""
    DEV_DOCS_HOOK_SECRET: str = ""

    GOOGLE_CLIENT_ID: str = ""
    GOOGLE_CLIENT_SECRET: str = ""
    GITHUB_CLIENT_ID: str = ""
    GITHUB_CLIENT_SECRET: str = ""

    METRICS_TOKEN: str = Field(default="", max_length=200)
    SENTRY_DSN: str = ""
    SENTRY_TRACES_SAMPLE_RATE: float = Field(default=0.0, ge=0, le=1)
    OTEL_EXPORTER_OTLP_ENDPOINT: str = ""
    OTEL_TRACES_SAMPLE_RATE: float = Field(default=1.0, ge=0, le=1)
    DAILY_COST_LIMIT: Decimal = Field(default=Decimal(10), ge=0, le=10**6)
    REDIS_COMMANDS_PRICE: Decimal = Field(default=Decimal(0), ge=0, le=1000)
    REDIS_MEMORY_PRICE: Decimal = Field(default=Decimal(0), ge=0, le=1000)
    MAIL_PRICE: Decimal = Field(default=Decimal(0), ge=0, le=1000)
    REPORT_RECIPIENTS: CommaList = Field(default_factory=list)

    OUTBOUND_ALLOWED_HOSTS: CommaList = Field(default_factory=list)
    DEMO: bool | None = None
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    LOG_FORMAT: Literal["console", "json"] = "console"

    @field_validator(
        "ENCRYPTION_KEYS",
        "ALLOWED_HOSTS",
        "OUTBOUND_ALLOWED_HOSTS",
        "STRIPE_WEBHOOK_SECRET",
        "ALERT_URLS",
        "REPORT_RECIPIENTS",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("LEVQOR_VAR")
    @classmethod
    def _usable_folder(cls, value: Path) -> Path:
        folder = (ROOT / value).resolve()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"{folder} can't be used: {error.strerror}") from None
        try:
            TemporaryFile(dir=folder).close()  # what os.access says is no promise: root on a read-only volume
        except OSError as error:
            raise ValueError(f"{folder} can't be written to: {error.strerror}") from None
        return folder

    @field_validator("REPORT_RECIPIENTS")
    @classmethod
    def _addresses(cls, value: list[str]) -> list[str]:
        if wrong := [address for address in value if not re.fullmatch(r"[^@\s]+@[^@\s]+", address)]:
            raise ValueError(f"{wrong[0][:80]!r} is no e-mail address")
        return value

    @field_validator("ENCRYPTION_KEYS")
    @classmethod
    def _usable_keys(cls, value: list[str]) -> list[str]:
        for position, key in enumerate(value, start=1):
            try:
                Fernet(key)
            except ValueError:
                raise ValueError(f"key {position} is no Fernet key (32 bytes, URL-safe base64)") from None
        return value

    @field_validator("DATABASE_URL")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not value.startswith(("postgres://", "postgresql://", "sqlite://")):
            raise ValueError("must start with postgresql:// or sqlite://")
        try:
            parsed = dj_database_url.parse(value) if value else {"NAME": "levqor"}
        except ValueError:
            parsed = {}
        if parsed.get("NAME") == ":memory:":
            raise ValueError("must name a file: the processes of the platform share the database")
        if not parsed.get("NAME"):
            raise ValueError("is not a database URL such as postgresql://user:password@host:5432/name")
        return value

    @field_validator("REDIS_URL")
    @classmethod
    def _known_redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must start with redis://, rediss:// or unix://")
        _check_port(value)
        return value

    @field_validator("SITE_URL", "WATCHDOG_WEB_URL")
    @classmethod
    def _plain_origin(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        _check_port(value)
        return value.rstrip("/")

    @field_validator("ALERT_URLS")
    @classmethod
    def _known_channels(cls, value: list[str]) -> list[str]:
        for position, url in enumerate(value, start=1):  # never shown: it holds a key
            scheme, colon, _rest = url.partition(":")
            if not colon or scheme not in ALERT_SCHEMES:
                raise ValueError(f"address {position} is none of {', '.join(sorted(ALERT_SCHEMES))}")
        return value

    @field_validator("METRICS_TOKEN")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and not re.fullmatch(r"[!-~]{20,}", value):
            raise ValueError("has 20 characters or more, without spaces")
        return value

    @field_validator("SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        _check_port(value)
        return value

    @field_validator("STRIPE_API_KEY")
    @classmethod
    def _key_of_stripe(cls, value: str) -> str:
        if value and not STRIPE_KEY.fullmatch(value):
            raise ValueError("is not a secret key of Stripe's: sk_test_…, sk_live_…, rk_test_… or rk_live_…")
        return value

    @field_validator("STRIPE_WEBHOOK_SECRET")
    @classmethod
    def _secrets_of_stripe(cls, value: list[str]) -> list[str]:
        for position, secret in enumerate(value, start=1):
            if not STRIPE_SECRET.fullmatch(secret):
                raise ValueError(f"secret {position} is not the signing secret of a webhook (whsec_…)")
        return value

    @field_validator("NOTION_TOKEN")
    @classmethod
    def _token_of_notion(cls, value: str) -> str:
        if value and not NOTION_TOKEN.fullmatch(value):
            raise ValueError("is not the token of an integration at Notion: ntn_…")
        return value

    @field_validator("NOTION_PARENT_PAGE")
    @classmethod
    def _page_of_notion(cls, value: str) -> str:
        found = NOTION_ID.search(value)
        if value and not found:
            raise ValueError("is not a page at Notion: its address, or the 32 digits at the end of it")
        return str(UUID(found[1])) if found else ""

    @field_validator("DEV_DOCS_HOOK_SECRET")
    @classmethod
    def _secret_of_hook(cls, value: str) -> str:
        try:
            usable = not value or (value.startswith("whsec_") and len(b64decode(value[6:], validate=True)) >= 16)
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("is not whsec_ and at least 16 bytes in base64")
        return value

    @field_validator("STRIPE_API_URL", "NOTION_API_URL")
    @classmethod
    def _address_of_vendor(cls, value: str) -> str:
        if not value:
            return value
        value = value.rstrip("/")
        if not re.fullmatch(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:[0-9]+)?", value):
            raise ValueError("is not an address such as http://127.0.0.1:8001")
        _check_port(value)
        return value

    @model_validator(mode="after")
    def _complete(self) -> "Environment":
        if self.LEVQOR_ENV == "production":
            self._check_production()
        if not self.SITE_URL:
            self.SITE_URL = f"http://{'127.0.0.1' if self.HOST == '0.0.0.0' else self.HOST}:{self.PORT}"  # noqa: S104 - compared, not bound
        if self.PROXY_HOPS is None:
            self.PROXY_HOPS = 1 if self.LEVQOR_ENV == "production" else 0
        if self.DEMO is None:
            # A demo has public passwords, staff's too, and shows all mail: only on purpose where others can reach it.
            self.DEMO = self.LEVQOR_ENV == "local" and self.HOST in LOOPBACK
        if self.MAIL_TRANSPORT == "resend" and not self.RESEND_API_KEY:
            raise ValueError("MAIL_TRANSPORT=resend needs RESEND_API_KEY")
        self._check_payments()
        if bool(self.NOTION_TOKEN) != bool(self.NOTION_PARENT_PAGE):
            raise ValueError("NOTION_TOKEN and NOTION_PARENT_PAGE belong together: set both or neither")
        for name in ("GOOGLE", "GITHUB"):
            if bool(getattr(self, f"{name}_CLIENT_ID")) != bool(getattr(self, f"{name}_CLIENT_SECRET")):
                raise ValueError(f"{name}_CLIENT_ID and {name}_CLIENT_SECRET belong together: set both or neither")
        return self

    def _check_payments(self) -> None:
        if self.STRIPE_FAKE_PORT is None:
            self.STRIPE_FAKE_PORT = self.PORT + 1 if self.PORT < 65535 else self.PORT - 1
        if self.STRIPE_FAKE_PORT == self.PORT:
            raise ValueError("STRIPE_FAKE_PORT and PORT must differ")
        if self.LEVQOR_ENV == "production":
            for name in ("STRIPE_API_URL", "NOTION_API_URL"):
                if getattr(self, name) and not getattr(self, name).startswith("https://"):
                    raise ValueError(f"{name} must start with https:// where LEVQOR_ENV=production")
        elif "_live_" in self.STRIPE_API_KEY[:8]:
            raise ValueError("STRIPE_API_KEY is a live key, which LEVQOR_ENV=local refuses: use one that is for tests")

    def _check_production(self) -> None:
        missing = [name for name in NEEDED_IN_PRODUCTION if not getattr(self, name)]
        if missing:
            raise ValueError(f"LEVQOR_ENV=production needs {', '.join(missing)}")
        if not self.SITE_URL.startswith("https://"):
            raise ValueError("SITE_URL must start with https:// where LEVQOR_ENV=production")
        if self.DEMO:  # its logins, staff's too, have public passwords
            raise ValueError("DEMO=true is refused where LEVQOR_ENV=production")


def _check_port(url: str) -> None:
    try:
        _port = urlsplit(url).port
    except ValueError:
        raise ValueError("has a port that is no number from 0 to 65535") from None


# Where the value may be repeated: what is no number or none of the known words is no secret either.
PLAIN_ERRORS = {
    "int_parsing",
    "decimal_parsing",
    "finite_number",
    "bool_parsing",
    "literal_error",
    "greater_than_equal",
    "less_than_equal",
}


def _explain(error: ValidationError) -> str:
    parts = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        message = _unknown(name) if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        if item["type"] in PLAIN_ERRORS:
            message += f" (it is {str(item['input'])[:40]!r})"
        parts.append(f"{name}: {message}" if name else message)
    return "; ".join(parts)


def _unknown(name: str) -> str:
    close = get_close_matches(name, Environment.model_fields, n=1, cutoff=0.7)
    return f"is not a setting of Levqor{f'; did you mean {close[0]}?' if close else ''} (see .env.example)"


TERMINAL_VARIABLES = {"LEVQOR_URL", "LEVQOR_TOKEN", "LEVQOR_DEBUG"}  # read by the `levqor` command, not by the platform


def _unknown_variables() -> list[str]:
    known = Environment.model_fields.keys() | TERMINAL_VARIABLES | {ENV_FILE}
    return sorted(name for name in os.environ if name.startswith("LEVQOR_") and name not in known)


def _env_file() -> Path | None:
    chosen = os.environ.get(ENV_FILE)
    if chosen is None:
        return ROOT / ".env"
    if not chosen:
        return None
    file = ROOT / chosen
    if not file.is_file():
        raise SystemExit(_stop(f"{ENV_FILE}: {file} is no file"))
    return file


@cache
def environment() -> Environment:
    """The checked settings. Ends the process with exit code 2 and one line when one is wrong."""
    try:
        loaded = Environment(_env_file=_env_file())  # type: ignore[call-arg] # pydantic-settings' own, no field
    except ValidationError as error:
        raise SystemExit(_stop(_explain(error))) from None
    if unknown := _unknown_variables():
        raise SystemExit(_stop("; ".join(f"{name}: {_unknown(name)}" for name in unknown)))
    return loaded


def _stop(message: str) -> int:
    sys.stderr.write(f"levqor: bad setting: {message}\n")
    return 2


def settings_module() -> str:
    """The dotted name of the Django settings that `LEVQOR_ENV` chooses."""
    return f"levqor.settings.{environment().LEVQOR_ENV}"
