"""What came back."""

import codecs
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from django.utils.translation import gettext as _

from apps.core.http.errors import HttpFailureError

# Python codecs that are no character sets of the web, or slow on long input.
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response with any status. Header names are lower-case, repeated ones joined with ", ".

    `body` is decoded (no gzip); `url` is the last one after redirects; `elapsed_ms` covers look-up to last byte.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    url: str
    elapsed_ms: int

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters, empty when not given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def text(self) -> str:
        """The body in the charset that the response names, else UTF-8; undecodable bytes become U+FFFD."""
        return self.body.decode(self._charset(), errors="replace")

    def json(self) -> Any:
        """The body as JSON. Raises HttpFailureError (invalid_json); NaN and Infinity are no JSON."""
        try:
            try:
                return json.loads(self.body, parse_constant=_no_constant)
            except UnicodeDecodeError:
                return json.loads(self.body.decode(self._charset()), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise HttpFailureError(_("The response is not valid JSON."), code="invalid_json", maybe_sent=True) from None

    def _charset(self) -> str:
        header = Message()
        header["content-type"] = self.headers.get("content-type", "")
        charset = str(header.get_param("charset", "") or "")
        try:
            name = codecs.lookup(charset).name
            b"test".decode(name, errors="replace")  # LookupError for a codec that is no charset, such as hex
        except (LookupError, ValueError):
            return "utf-8-sig"
        return "utf-8-sig" if name == "utf-8" or name.replace("_", "-") in _NO_CHARSETS else name


def retry_after_seconds(response: Response, now: datetime) -> float | None:
    """How many seconds (≥ 0) the Retry-After header asks to wait, counted from the aware time `now`.

    Reads both forms, a number of seconds and an HTTP date; None when the header is missing or unreadable.
    """
    value = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,10}", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("no JSON")
