"""The services of apprise that we offer, each carried by the guarded client."""

import logging
from typing import Any
from urllib.parse import urlsplit

import apprise
from apprise.common import NotifyFormat, NotifyType, OverflowMode, PersistentStoreMode
from apprise.plugins import (
    custom_json,
    discord,
    google_chat,
    gotify,
    mattermost,
    ntfy,
    opsgenie,
    pagerduty,
    pushover,
    rocketchat,
    slack,
    telegram,
    workflows,
)

from apps.core.kinds import Severity
from apps.notifications.channels.carrier import THEIR_TROUBLE, GuardedRequests, Trip, travelling
from apps.notifications.channels.errors import ChannelError

# Below "critical" apprise tells where it calls, keys and all. What went wrong is told by us.
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

SERVICES: dict[str, Any] = {
    "tgram": telegram.NotifyTelegram,
    "slack": slack.NotifySlack,
    "discord": discord.NotifyDiscord,
    "ntfy": ntfy.NotifyNtfy,
    "ntfys": ntfy.NotifyNtfy,
    "workflows": workflows.NotifyWorkflows,
    "mmost": mattermost.NotifyMattermost,
    "mmosts": mattermost.NotifyMattermost,
    "rocket": rocketchat.NotifyRocketChat,
    "rockets": rocketchat.NotifyRocketChat,
    "gchat": google_chat.NotifyGoogleChat,
    "gotify": gotify.NotifyGotify,
    "gotifys": gotify.NotifyGotify,
    "pover": pushover.NotifyPushover,
    "pagerduty": pagerduty.NotifyPagerDuty,
    "opsgenie": opsgenie.NotifyOpsgenie,
    "json": custom_json.NotifyJSON,
    "jsons": custom_json.NotifyJSON,
}
for _module in (
    custom_json, discord, google_chat, gotify, mattermost, ntfy, opsgenie, pagerduty, pushover, rocketchat, slack,
    telegram, workflows,
):  # fmt: skip
    _module.requests = GuardedRequests()  # type: ignore[attr-defined] # what the module imported

KINDS = {
    "critical": NotifyType.FAILURE,
    "warning": NotifyType.WARNING,
    "info": NotifyType.INFO,
    "success": NotifyType.SUCCESS,
}
QUIET = {"ntfy": "low", "ntfys": "low", "pover": "low", "gotify": "low", "gotifys": "low"}
ASSET = apprise.AppriseAsset(
    app_id="Levqor",
    app_desc="Levqor",
    app_url="",
    image_url_mask="",
    image_url_logo="",
    async_mode=False,
    http_redirects=False,
    secure_logging=True,
    storage_mode=PersistentStoreMode.MEMORY,
)


def plugin_of(url: str, *, silent: bool = False) -> Any:
    """apprise's service for an address. Raises `ChannelError` (permanent) for one that it does not understand."""
    scheme = url.partition(":")[0].lower()
    service = SERVICES.get(scheme)
    if service is None:
        raise ChannelError(f"{scheme}:// is no kind of channel", permanent=True)
    try:
        parsed = service.parse_url(url)
        if silent and scheme in QUIET:
            parsed["priority"] = QUIET[scheme]
        plugin = service(**parsed, asset=ASSET) if parsed else None
    except (TypeError, ValueError, AttributeError):
        plugin = None
    if plugin is None:
        raise ChannelError(f"the {scheme}:// address is not complete", permanent=True)
    # An address may ask for more than we allow: its retries sleep in our worker, its pauses too.
    plugin.retry, plugin.wait, plugin.optional, plugin.redirects, plugin.verify_certificate = 0, 0.0, False, False, True
    plugin.request_rate_per_sec, plugin.overflow_mode = 0, OverflowMode.TRUNCATE
    if scheme == "tgram":
        plugin.silent = silent or plugin.silent
    return plugin


def private_host(url: str) -> str:
    """ "host:port" of an address that names its server; empty for those of a vendor."""
    scheme = url.partition(":")[0].lower()
    if scheme not in ("json", "jsons", "ntfy", "ntfys", "mmost", "mmosts", "rocket", "rockets", "gotify", "gotifys"):
        return ""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if scheme.endswith('s') else 80)}" if parts.hostname else ""


def send(url: str, title: str, body: str, severity: Severity, silent: bool, *, operators: bool) -> None:
    """Tell it through apprise. `operators`: the address is from `ALERT_URLS`. Raises `ChannelError`."""
    client = apprise.Apprise(asset=ASSET)
    client.add(plugin_of(url, silent=silent))
    with travelling(private_host(url) if operators else "") as trip:
        told = client.notify(body=body, title=title, notify_type=KINDS[severity], body_format=NotifyFormat.TEXT)
    if not told:
        raise _why(trip)


def _why(trip: Trip) -> ChannelError:
    """Of several calls, the one that is worth another try decides: twice is better than never."""
    if trip.errors:
        return next((error for error in trip.errors if not error.permanent), trip.errors[-1])
    said = trip.said[-1] if trip.said else ""
    if said:  # answered with status 200 all the same
        return ChannelError(said, permanent=said not in THEIR_TROUBLE)
    return ChannelError("the message was not taken", permanent=not trip.said)
