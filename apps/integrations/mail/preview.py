"""Mail as staff may see it: without the keys in its links."""

import re

CUT = "…"
ADDRESS = re.compile(r"https?://[^\s\"'<>]+")
KEY = re.compile(r"[A-Za-z0-9_\-:.=%~]{16,}")
PUBLIC_ID = re.compile(r"[a-z]{2,8}_[0-9a-hjkmnp-tv-z]{26}")


def without_keys(text: str) -> str:
    """Text or HTML in which no link resets a password, confirms an address or accepts an invitation any more.

    Every part of a link's path and query that could be a key is cut; ids, which open nothing, and short words stay.
    """
    return ADDRESS.sub(lambda found: _cut(found[0]), text)


def _cut(address: str) -> str:
    scheme, _sep, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}{slash}{KEY.sub(_keep_ids, path)}"


def _keep_ids(found: re.Match[str]) -> str:
    return found[0] if PUBLIC_ID.fullmatch(found[0]) else CUT
