"""Which services of apprise we offer, and what an address of each may ask for. Loads apprise when it is needed."""

from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from apps.core.kinds import Severity

PLUGINS = f"{__package__}.plugins"
# What an address may say after "?": where it goes and how it is told there. Of apprise's other keys some load files and
# addresses (`template`, `attach`), some write to others (`email`) or undo what was said (`action`), and the common ones
# wait in our worker or lower its guard (`retry`, `rto`, `verify`). "+", ":" and "-" stand for all that begin so.
_JSON = frozenset({"+", ":", "-"})  # headers, names of fields, parameters
_NTFY = frozenset({"auth", "mode", "priority", "tags", "to", "token", "xtags"})
_MATTERMOST = frozenset({"botname", "channel", "channels", "mode", "team", "to"})
_ROCKET = frozenset({"mode", "to", "webhook"})
_GOTIFY = frozenset({"priority"})
MAY_SAY: dict[str, frozenset[str]] = {
    "tgram": frozenset({"preview", "silent", "thread", "to", "topic"}),
    "slack": frozenset({"mode", "to"}),
    "discord": frozenset({"botname", "ping", "thread"}),
    "ntfy": _NTFY,
    "ntfys": _NTFY,
    "workflows": frozenset(
        {"api-version", "id", "pa", "powerautomate", "route", "routeid", "sig", "signature", "ver", "workflow", "wrap"}
    ),
    "mmost": _MATTERMOST,
    "mmosts": _MATTERMOST,
    "rocket": _ROCKET,
    "rockets": _ROCKET,
    "gchat": frozenset({"key", "thread", "threadkey", "token", "workspace"}),
    "gotify": _GOTIFY,
    "gotifys": _GOTIFY,
    "pover": frozenset({"expire", "interval", "priority", "sound", "to"}),
    "pagerduty": frozenset({"class", "component", "group", "region", "severity", "source"}),
    "opsgenie": frozenset({"alias", "entity", "priority", "region", "tags", "to"}),
    "json": _JSON,
    "jsons": _JSON,
}
SERVICES = frozenset(MAY_SAY)
NAMES_ITS_SERVER = SERVICES - {
    "tgram", "slack", "discord", "workflows", "gchat", "pover", "pagerduty", "opsgenie"
}  # fmt: skip


def plugin_of(url: str) -> Any:
    """apprise's service for an address. Raises `ChannelError` (permanent) for one that it does not understand."""
    return import_module(PLUGINS).plugin_of(url)


def send(url: str, title: str, body: str, severity: Severity, silent: bool, *, operators: bool) -> None:
    """Tell it through apprise. `operators`: the address is from `ALERT_URLS`. Raises `ChannelError`."""
    import_module(PLUGINS).send(url, title, body, severity, silent, operators=operators)


def private_host(url: str) -> str:
    """ "host:port" of an address that names its server; empty for those of a vendor."""
    scheme = url.partition(":")[0].lower()
    if scheme not in NAMES_ITS_SERVER:
        return ""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if scheme.endswith('s') else 80)}" if parts.hostname else ""
