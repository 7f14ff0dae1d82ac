"""What our pages may do in a browser, and where they may lead."""

from typing import Any

from csp.constants import NONCE, NONE, SELF

PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        "camera",
        "geolocation",
        "microphone",
        "payment",
        "usb",
        "accelerometer",
        "gyroscope",
        "magnetometer",
    )
}


def content_security_policy(form_targets: list[str]) -> dict[str, Any]:
    """A page of ours runs and shows what is ours. The administration replaces it by its own (levqor/admin.py).

    A form may lead to `form_targets` as well, login providers and payment pages: Chromium asks this of redirects, too.
    """
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF, NONCE],
            "style-src": [SELF, NONCE],
            "img-src": [SELF, "data:"],
            "font-src": [SELF],
            "connect-src": [SELF],
            "form-action": [SELF, *form_targets],
            "frame-ancestors": [NONE],
            "base-uri": [NONE],
            "object-src": [NONE],
            "manifest-src": [SELF],
        },
    }
