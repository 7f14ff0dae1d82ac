"""apprise, held on a short line: its services call through the guarded client, and nothing is ever attached.

Importing this costs a process some 0.15 s, so only `services` does, when an address is looked at or told.
"""

import logging
from typing import Any

import apprise
from apprise.attachment import file as file_attachment
from apprise.attachment import http as http_attachment
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
from apps.notifications.channels.services import MAY_SAY, private_host

# Below "critical" apprise tells where it calls, keys and all. What went wrong is told by us.
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)

PLUGINS: dict[str, Any] = {
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
    telegram, workflows, http_attachment,
):  # fmt: skip
    _module.requests = GuardedRequests()  # type: ignore[attr-defined] # what the module imported

# Attachments would be read from files and addresses that an address names, and sent on: here there are none.
_NONE: dict[Any, tuple[str, Any]] = {
    apprise.AppriseAttachment: ("instantiate", staticmethod(lambda *_given, **_options: None)),
    file_attachment.AttachFile: ("download", lambda _self, **_options: False),
    http_attachment.AttachHTTP: ("download", lambda _self, **_options: False),
}
for _kind, (_name, _instead) in _NONE.items():
    setattr(_kind, _name, _instead)

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
    service = PLUGINS.get(scheme)
    if service is None:
        raise ChannelError(f"{scheme}:// is no kind of channel", permanent=True)
    try:
        parsed = service.parse_url(url)
        if parsed:
            _check_what_it_says(scheme, parsed["qsd"])
        if parsed and silent and scheme in QUIET:
            parsed["priority"] = QUIET[scheme]
        plugin = service(**parsed, asset=ASSET) if parsed else None
    except (TypeError, ValueError, AttributeError, LookupError):
        plugin = None
    if plugin is None:
        raise ChannelError(f"the {scheme}:// address is not complete", permanent=True)
    # Whatever apprise would do by itself: its retries sleep in our worker, its pauses too.
    plugin.retry, plugin.wait, plugin.optional, plugin.redirects, plugin.verify_certificate = 0, 0.0, False, False, True
    plugin.request_rate_per_sec, plugin.overflow_mode = 0, OverflowMode.TRUNCATE
    if scheme == "tgram":
        plugin.silent = silent or plugin.silent
    return plugin


def _check_what_it_says(scheme: str, said: dict[str, str]) -> None:
    """By apprise's own reading of the address, or another spelling would get past. Names no key: it may be a secret."""
    known = MAY_SAY[scheme]
    if any(key and key not in known and key[0] not in known for key in said):
        takes = ", ".join(sorted(known)) or "nothing"
        raise ChannelError(f"after “?” a {scheme}:// address takes {takes}", permanent=True)


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
