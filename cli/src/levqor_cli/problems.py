"""From an HTTP answer that is no success to one readable error."""

from typing import Any

import httpx

from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode

EXIT_BY_STATUS = {
    400: ExitCode.INVALID,
    401: ExitCode.REFUSED,
    403: ExitCode.REFUSED,
    404: ExitCode.NOT_FOUND,
    409: ExitCode.CONFLICT,
    410: ExitCode.NOT_FOUND,
    412: ExitCode.CONFLICT,
    413: ExitCode.INVALID,
    415: ExitCode.INVALID,
    422: ExitCode.INVALID,
    429: ExitCode.UNREACHABLE,
}


def error_from(response: httpx.Response) -> CliError:
    """Read the problem document (RFC 9457) of `response`; cope with an answer that has none."""
    document = _json_object(response)
    if response.is_redirect:
        return CliError(
            f"{response.url.host} sends us on to {response.headers.get('location', 'another address')}.",
            ExitCode.UNREACHABLE,
            hint="Give that server's address with --url.",
            status=response.status_code,
        )
    message = _text(document.get("detail")) or _text(document.get("title"))
    if not message:
        reason = response.reason_phrase or "no reason given"
        message = f"The server answered {response.status_code} ({reason}) without an explanation."
    fallback = ExitCode.UNREACHABLE if response.status_code >= 500 else ExitCode.INVALID
    return CliError(
        message,
        EXIT_BY_STATUS.get(response.status_code, fallback),
        code=_text(document.get("code")) or _text(document.get("error")),
        details=[line for line in detail_lines(document.get("errors")) if line != message],
        hint=_hint(response),
        request_id=_text(document.get("request_id")) or response.headers.get("x-request-id", ""),
        status=response.status_code,
    )


def detail_lines(errors: Any, prefix: str = "") -> list[str]:
    """One line per entry of a problem's `errors`, in whichever of the usual shapes it comes."""
    if isinstance(errors, dict):
        if "message" in errors:
            return [_located(errors, prefix)]
        return [line for name, entry in errors.items() for line in detail_lines(entry, _join(prefix, str(name)))]
    if isinstance(errors, list):
        return [line for entry in errors for line in detail_lines(entry, prefix)]
    if errors is None:
        return []
    return [f"{prefix}: {errors}" if prefix else str(errors)]


def _located(entry: dict[str, Any], prefix: str) -> str:
    place = _text(entry.get("path")) or _text(entry.get("field")) or prefix
    if entry.get("line"):
        place = f"line {entry['line']}" + (f", {place}" if place else "")
    expected = f" (expected {entry['expected']})" if entry.get("expected") else ""
    return (f"{place}: " if place else "") + f"{entry['message']}{expected}"


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _hint(response: httpx.Response) -> str:
    if response.status_code == 429 and response.headers.get("retry-after", "").isdigit():
        return f"Try again in {response.headers['retry-after']} s."
    return ""


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
